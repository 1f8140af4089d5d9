package diff

import (
	"crypto/sha256"
	"hash/maphash"
	"io"
	"maps"
	"strings"
)

const hardLinkType = "hard link"

// linked is a pair of which one side is a hard link and the other a file.
type linked struct {
	n          *Node
	link, file *member
}

// hardLink notes such a pair, to be looked at when all names are known.
func (m *matching) hardLink(n *Node, a, b *member) {
	for _, r := range n.Reasons {
		switch {
		case r.Field != "type":
		case r.A == hardLinkType && !a.hasBody() && b.hasBody():
			m.links = append(m.links, linked{n, a, b})
		case r.B == hardLinkType && !b.hasBody() && a.hasBody():
			m.links = append(m.links, linked{n, b, a})
		}
	}
}

// resolve proves of each hard link that what it leads to is the other side's
// file, or takes back that it may be.
func (m *matching) resolve() error {
	for _, l := range m.links {
		same, err := m.sameTarget(l)
		if err != nil {
			return err
		}
		for i := range l.n.Reasons {
			r := &l.n.Reasons[i]
			if r.Field != "type" && r.Field != "link" {
				continue
			}
			if !same {
				r.Cause = nil
				continue
			}
			proved := r.Cause != nil && r.Cause.Confidence == Proved || r.Field == "link"
			r.Cause = &Cause{ID: "B6", Name: "hard link or copy", Confidence: Likely, Evidence: "what the link leads to has the other side's content, hashed", Fix: "build with one kind of snapshotter, or link on purpose"}
			if proved {
				r.Cause.Confidence = Proved
			}
		}
		l.n.settle()
	}
	return nil
}

// sameTarget reads what a hard link leads to and compares its hash, and what the
// link then is: it has the owner, mode and attributes of its target, whatever its
// own header says. What cannot be read is not the same.
func (m *matching) sameTarget(l linked) (bool, error) {
	if l.link.Fields == nil || l.link.stream.reopen == nil {
		return false, nil
	}
	seq, ok := l.link.stream.at[maphash.String(nameSeed, l.link.HardLink)]
	if !ok || int(seq) >= l.link.seq {
		return false, nil
	}
	rc, err := l.link.stream.reopen(m.ctx, int(seq))
	if err != nil {
		return false, m.ctx.Err()
	}
	defer rc.Close()
	if r, ok := rc.(*reopened); !ok || l.file.Fields == nil || !sameFile(r.fields, l.file.Fields()) {
		return false, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, &bounded{ctx: m.ctx, r: rc, left: m.x.limit.Decoded})
	if err != nil {
		return false, m.ctx.Err()
	}
	return n == l.file.size && [32]byte(h.Sum(nil)) == l.file.digest(), nil
}

// sameFile reports whether two files have the same powers: type, mode, owner and
// extended attributes.
func sameFile(a, b []Field) bool {
	of := func(fs []Field) map[string]string {
		out := map[string]string{}
		for _, f := range fs {
			switch {
			case f.Key == "type", f.Key == "mode", f.Key == "uid", f.Key == "gid", strings.HasPrefix(f.Key, "xattr "), strings.HasPrefix(f.Key, "PAX record "):
				out[f.Key] = f.Value
			}
		}
		return out
	}
	return maps.Equal(of(a), of(b))
}
