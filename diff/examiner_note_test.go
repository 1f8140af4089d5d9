package diff

import (
	"context"
	"fmt"
	"testing"
)

// TestEndingsAreSaidInWords shows that how a comparison was ended early is not said in
// the words of the language that it is written in.
func TestEndingsAreSaidInWords(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, "it could not be read: the time limit was over"},
		{context.Canceled, "it could not be read: it was interrupted"},
	} {
		var n Node
		n.note(fmt.Sprintf("it could not be read: %v", fmt.Errorf("%w", tc.err)))
		if n.Note != tc.want {
			t.Errorf("%q, not %q", n.Note, tc.want)
		}
	}
}
