package runlog

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

func open(t testing.TB) *Log {
	t.Helper()
	l, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func lines(t *testing.T, l interface {
	Lines(context.Context, int, int) ([]string, error)
}) string {
	t.Helper()
	got, err := l.Lines(context.Background(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, "|")
}

func TestLinesOfSeveralSteps(t *testing.T) {
	l := open(t)
	l.Write("a", 0, []byte("one\ntw"))
	l.Write("b", 1, []byte("first\n"))
	l.Write("a", 0, []byte("o\n10%\r50%\r100%\r\nrest"))
	l.Flush("a", 0)
	l.Note(1, "failed")
	if got := lines(t, l); got != "one|first|two|100%|rest|failed" {
		t.Errorf("log is %q", got)
	}
	if got := lines(t, l.Step(0)); got != "one|two|100%|rest" || l.Step(0).Len() != 4 {
		t.Errorf("step 0 is %q", got)
	}
	if got := lines(t, l.Step(1)); got != "first|failed" {
		t.Errorf("step 1 is %q", got)
	}
	if got, err := l.Lines(context.Background(), 99, 5); len(got) != 0 || err != nil {
		t.Errorf("past the end there is %q, %v", got, err)
	}
}

func TestLongLineIsBroken(t *testing.T) {
	l := open(t)
	l.Write("a", 0, []byte(strings.Repeat("x", 3*longest+7)))
	l.Flush("a", 0)
	if l.Len() != 4 {
		t.Errorf("%d lines", l.Len())
	}
}

func TestWriteWhileReading(t *testing.T) {
	l := open(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 5000 {
			l.Write("a", 0, fmt.Appendf(nil, "line %d\n", i))
		}
	})
	for range 200 {
		n := l.Len()
		got, err := l.Lines(context.Background(), max(0, n-50), 50)
		if err != nil || len(got) > 0 && !strings.HasPrefix(got[0], "line ") {
			t.Fatalf("%q, %v", got, err)
		}
	}
	wg.Wait()
}

func TestCloseRemovesTheFile(t *testing.T) {
	dir := t.TempDir()
	l, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.Note(0, "x")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
	l.Note(0, "y")
	if l.Err() == nil {
		t.Error("a log that cannot be written says that it is whole")
	}
}

func BenchmarkWrite(b *testing.B) {
	l := open(b)
	data := []byte("a line of a log that is as long as lines are\n")
	for b.Loop() {
		l.Write("a", 0, data)
	}
}
