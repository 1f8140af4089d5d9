package diff

import "strings"

// explainFields gives the properties of a file, as a file system has them, their
// causes. Its Raw is just these properties, each of which is compared by itself, so
// that they are the whole difference.
func explainFields(_, _ []byte, rs []Reason) []Reason {
	for i := range rs {
		r := &rs[i]
		c := Cause{Confidence: Proved, Evidence: "it was compared by itself"}
		switch {
		case r.Field == "mode" && risky(*r):
			c = Cause{ID: "D7a", Name: "a set-id or sticky bit changed", Confidence: Likely}
		case r.Field == "xattr "+capabilityXattr:
			c = Cause{ID: "D7a", Name: "capabilities changed", Confidence: Likely}
		case strings.HasPrefix(r.Field, "xattr "):
			c.ID, c.Name, c.Fix = "B5", "extended attributes or records", "strip extended attributes"
		case r.Field == "mode", r.Field == "uid", r.Field == "gid", r.Field == "mtime", r.Field == "device":
			f := headerFields[r.Field]
			c.ID, c.Name, c.Fix = f.rule, f.name, f.fix
		default:
			continue // what it is, or where it leads
		}
		r.Cause = oneCopy(c)
	}
	return rs
}
