package archive

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// explainZip gives a member's reasons their causes. The fields hold every byte
// of its headers, so that what has no reason is equal. Encoder is side A's; when
// no reason speaks of it, it is also side B's.
func explainZip(rs []diff.Reason, encoder string) []diff.Reason {
	known := encoder != noEncoder
	for _, r := range rs {
		if r.Field == "encoder" {
			known = r.A != noEncoder && r.B != noEncoder
		}
	}
	for i := range rs {
		r := &rs[i]
		field := strings.TrimPrefix(r.Field, "local ")
		switch {
		case field == "mtime" || strings.HasPrefix(field, "extra ") && strings.HasSuffix(field, "0x5455") && len(r.A) == len(r.B) && onlyTimes(r.A) && r.A[:2] == r.B[:2]:
			r.Cause = &diff.Cause{ID: "D1c", Name: "time in the zip headers", Confidence: diff.Proved, Evidence: "the other header fields are compared one by one", Fix: "set the times before zip -X, or SOURCE_DATE_EPOCH"}
		case field == "encoder" && known:
			r.Cause = &diff.Cause{ID: "A5", Name: "recompressed", Confidence: diff.Proved, Evidence: "encoding the content again gives exactly these bytes on both sides", Fix: "pin the compressor and its level"}
		case field == "compressed data" && known:
			r.Cause = &diff.Cause{ID: "D5j", Name: "encoding of the content", Confidence: diff.Derived, Evidence: "the encoder named makes exactly these bytes of the content"}
		case r.Field == "CRC-32" || r.Field == "size":
			r.Cause = &diff.Cause{ID: "D5h", Name: "checksum or size of the content", Confidence: diff.Derived, Evidence: "it was checked against the content"}
		}
	}
	return rs
}

// onlyTimes reports whether an extra field of times, in hexadecimal, has no room for
// anything else: a byte that says which there are, and four for each, or for one.
func onlyTimes(hex string) bool {
	flags, err := strconv.ParseUint(hex[:min(2, len(hex))], 16, 8)
	n := len(hex) / 2
	return err == nil && n > 1 && flags < 8 && (n == 5 || n == 1+4*bits.OnesCount64(flags))
}

// explainEnd leaves the end record without a cause unless both are alike but for
// the place and size of the directory, which follow from what lies before it.
func explainEnd(rawA, rawB []byte, rs []diff.Reason) []diff.Reason {
	if len(rawA) != len(rawB) || len(rawA) < 22 {
		return rs
	}
	for i := range rawA {
		if rawA[i] != rawB[i] && (i < 8 || i >= 20) {
			return rs
		}
	}
	for i := range rs {
		rs[i].Cause = &diff.Cause{ID: "D5h", Name: "count, place and size of the directory", Confidence: diff.Derived, Evidence: "they were checked against the directory that lies there"}
	}
	return rs
}
