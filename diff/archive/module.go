package archive

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// KindSigned is a kernel module, or an image of Linux, with a signature appended.
const KindSigned diff.Kind = "signed module"

// The end of a signed module (Linux, include/linux/module_signature.h): 12 bytes
// of which the last four are the signature's length, then the magic string.
const (
	signedMagic = "~Module signature appended~\n"
	signedInfo  = 12
)

func init() {
	diff.Register(diff.Format{Kind: KindSigned, Special: true, Match: isSigned, Compare: compareSigned})
}

func isSigned(in *diff.Input) bool {
	_, ok := signatureOf(in)
	return ok
}

// signatureOf is where the signature lies.
func signatureOf(in *diff.Input) (diff.Range, bool) {
	var tail [signedInfo + len(signedMagic)]byte
	at := in.Size - int64(len(tail))
	if at < 0 {
		return diff.Range{}, false
	}
	if n, _ := in.ReadAt(tail[:], at); n < len(tail) || string(tail[signedInfo:]) != signedMagic {
		return diff.Range{}, false
	}
	n := int64(binary.BigEndian.Uint32(tail[signedInfo-4:]))
	return diff.Range{Off: at - n, Len: n}, n <= at
}

func compareSigned(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	parts := func(in *diff.Input) []diff.Part {
		sig, _ := signatureOf(in)
		end := sig.Off + sig.Len
		return []diff.Part{{Name: "module", Range: diff.Range{Len: sig.Off}},
			{Name: "signature", Kind: diff.KindBinary, Range: sig, Compare: stated("signature", diff.Cause{ID: "D5i", Name: "signature of the module", Confidence: diff.Likely,
				Evidence: "it lies where a signature does; whether it is valid was not checked", Fix: "sign outside the build, with a key that stays"}, func(p []byte) string { return fmt.Sprintf("%x…", p[:min(16, len(p))]) })},
			{Name: "what the signature is", Kind: diff.KindBinary, Range: diff.Range{Off: end, Len: signedInfo}},
			{Name: "end", Kind: diff.KindBinary, Range: diff.Range{Off: end + signedInfo, Len: int64(len(signedMagic))}}}
	}
	return x.Parts(ctx, n, a, b, parts(a), parts(b))
}
