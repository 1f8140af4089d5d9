package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// symbol is an entry of the table of symbols of an archive of objects.
type symbol struct {
	name   string
	member string // that it leads to, with a number when it is not the first of its name
}

// maxSymbols bounds, in bytes, a table that is read.
const maxSymbols = 64 << 20

// placesOnly lets the table of symbols of an archive of objects follow from its
// members, where it has the same symbols, in the same order, and leads for each to the
// same member on both sides: only the members' places differ.
func placesOnly(ctx context.Context, n *diff.Node, a, b *diff.Input) error {
	at := slices.IndexFunc(n.Children, func(k *diff.Node) bool { return k.Name == "/" && k.Status == diff.Differs })
	if at < 0 || len(n.Children[at].RangesA) == 0 {
		return nil
	}
	listA, restA, errA := symbolsOf(ctx, a)
	listB, restB, errB := symbolsOf(ctx, b)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errA != nil || errB != nil || !slices.Equal(listA, listB) || !bytes.Equal(restA, restB) {
		return nil // it is compared as bytes
	}
	k := n.Children[at]
	k.Reasons = append(k.Reasons, diff.Reason{Field: "content", A: "places of members", B: "places of the same members", Cause: &diff.Cause{ID: "D5h", Name: "places of members, for each symbol", Confidence: diff.Derived,
		Evidence: "both sides have the same symbols, and each leads to the same member"}})
	k.UnexplainedA, k.UnexplainedB = nil, nil
	k.Settle()
	return nil
}

// symbolsOf reads the table of symbols of an ar archive, as GNU and System V write it:
// the number of symbols, for each the place of its member's header, and their names.
// All numbers have four bytes, the most significant first. What follows the names is
// given back as rest. A table that leads anywhere but to a member is an error.
func symbolsOf(ctx context.Context, in *diff.Input) (list []symbol, rest []byte, err error) {
	s := &arStream{in: in, off: int64(len(arMagic))}
	at := map[int64]string{} // members by the place of their header
	seen := map[string]int{}
	var table []byte
	for {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		m, err := s.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if m.Within == nil {
			continue
		}
		if m.Name == "/" && table == nil && len(at) == 0 {
			if m.Within.Len > maxSymbols {
				return nil, nil, fmt.Errorf("%w: a table of symbols of %d bytes", diff.ErrLimit, m.Within.Len)
			}
			table = make([]byte, m.Within.Len)
			if err := s.at(table, m.Within.Off); err != nil {
				return nil, nil, err
			}
			continue
		}
		name := m.Name
		if seen[name]++; seen[name] > 1 {
			name += "\x00" + strconv.Itoa(seen[name])
		}
		at[s.header] = name
	}
	return readSymbols(table, at)
}

func readSymbols(table []byte, at map[int64]string) (list []symbol, rest []byte, err error) {
	if len(table) < 4 {
		return nil, nil, fmt.Errorf("%w: it has no table of symbols", diff.ErrFormat)
	}
	n := int64(binary.BigEndian.Uint32(table))
	if 4+4*n > int64(len(table)) {
		return nil, nil, fmt.Errorf("%w: a table of %d symbols in %d bytes", diff.ErrFormat, n, len(table))
	}
	names := string(table[4+4*n:])
	for i := range n {
		to := int64(binary.BigEndian.Uint32(table[4+4*i:]))
		name, after, ok := strings.Cut(names, "\x00")
		member := at[to]
		if !ok || member == "" {
			return nil, nil, fmt.Errorf("%w: symbol %d leads to byte %d", diff.ErrFormat, i, to)
		}
		list, names = append(list, symbol{name, member}), after
	}
	return list, []byte(names), nil
}
