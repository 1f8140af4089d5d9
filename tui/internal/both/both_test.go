package both

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

type side struct{ *bytes.Reader }

func (side) Close() error { return nil }

type pair struct{ a, b string }

func (p pair) OpenA() (diff.ReaderAtCloser, int64, error) {
	return side{bytes.NewReader([]byte(p.a))}, int64(len(p.a)), nil
}

func (p pair) OpenB() (diff.ReaderAtCloser, int64, error) {
	if p.b == "none" {
		return nil, 0, nil
	}
	return side{bytes.NewReader([]byte(p.b))}, int64(len(p.b)), nil
}

func show(ls []Line) string {
	var b strings.Builder
	for _, l := range ls {
		fmt.Fprintf(&b, "%s%s\n", []string{" ", "-", "+", "~"}[l.Op], l.Text)
	}
	return b.String()
}

func TestUnified(t *testing.T) {
	got, err := Unified(context.Background(), pair{"a\nb\nc\n", "a\nB\r\nc"})
	if err != nil {
		t.Fatal(err)
	}
	want := " a\n-b\n-c\n+B\\r\n+c (no newline at the end)\n"
	if show(got) != want {
		t.Errorf("got\n%s", show(got))
	}
	long := strings.Repeat("same\n", 100)
	got, err = Unified(context.Background(), pair{long + "x\n" + long, long + "y\n" + long})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 14 || got[0].Op != diff.Fold || got[6].A != 101 || got[7].B != 101 {
		t.Errorf("%d lines:\n%s", len(got), show(got))
	}
	if _, err := Unified(context.Background(), pair{strings.Repeat("x", maxText+1), "y"}); err == nil {
		t.Error("a side that is too large is shown as if it were not")
	}
	if got, err = Unified(context.Background(), pair{"a\n", "none"}); err != nil || show(got) != "-a\n" {
		t.Errorf("without side B: %v\n%s", err, show(got))
	}
}

func TestHexFindsWhatDiffers(t *testing.T) {
	n := &diff.Node{Content: pair{"0123456789abcdefsame tail", "0123456789abcdeXsame tail and more"}}
	h, err := OpenHex(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if !h.Differs(false, 15) || !h.Differs(true, 15) || h.Differs(false, 14) || !h.Differs(true, 30) || h.Differs(false, 30) {
		t.Errorf("ranges are %v and %v", h.ra, h.rb)
	}
	rows, err := h.Lines(context.Background(), 0, h.Len())
	if err != nil || len(rows) != 6 || rows[1] == "" || rows[4] != "" || rows[5] == "" {
		t.Errorf("rows are %q, %v", rows, err)
	}
	if at, ok := h.Next(-1, 1); !ok || at != 0 {
		t.Errorf("the first difference is in pair %d, %v", at, ok)
	}
	if _, ok := h.Next(9, 1); ok {
		t.Error("there is a difference after the end")
	}
}

func TestHexOfOneSide(t *testing.T) {
	h, err := OpenHex(context.Background(), &diff.Node{Content: pair{"abc", "none"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	rows, err := h.Lines(context.Background(), 0, 9)
	if err != nil || len(rows) != 2 || rows[1] != "B has ended" {
		t.Errorf("rows are %q, %v", rows, err)
	}
}
