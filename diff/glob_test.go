package diff

import "testing"

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.pyc", "usr/lib/a.pyc", true},
		{"usr/*", "usr/lib/a", false},
		{"usr/**", "usr/lib/a", true},
		{"usr/**", "usr", true},
		{"/usr/**/a", "usr/lib/x/a", true},
		{"**/a", "a", true},
		{"**/b/**/c", "a/b/x/y/c", true},
		{"**/b/**/c", "a/x/y/c", false},
		{"usr/lib", "usr/lib", true},
		{"lib", "usr/lib", true},
		{"usr/lib", "opt/usr/lib", false},
		{"**", "any/thing", true},
		{"**/**/**/**/**/x", "a/a/a/a/a/a/a/a/a/a/a/a/a/y", false},
		{"[", "[", false},
	} {
		if got := Glob(tc.pattern, tc.name); got != tc.want {
			t.Errorf("Glob(%q, %q) = %v", tc.pattern, tc.name, got)
		}
	}
	if CheckGlob("[") == nil || CheckGlob("") == nil || CheckGlob("a/**") != nil {
		t.Error("globs are not checked")
	}
}
