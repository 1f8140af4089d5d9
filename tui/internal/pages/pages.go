// Package pages keeps the parts of a long text that are being looked at, read
// in commands and never while drawing: logs, files of an image, hex rows.
//
// It does not know where the rows come from and draws nothing.
package pages

import (
	"context"

	tea "charm.land/bubbletea/v2"
)

// Source gives rows by number. It is called from commands, several at once.
type Source interface {
	// Lines gives rows [from, from+n), fewer at the end.
	Lines(ctx context.Context, from, n int) ([]string, error)
}

const (
	pageRows = 256
	maxPages = 64 // kept at once; the oldest goes first
)

// Cache holds the pages of one source that were asked for last.
type Cache struct {
	ctx   context.Context
	src   Source
	n     int
	pages map[int][]string
	order []int
	asked map[int]int // page to the length of the source when it was asked for
	err   error
}

// Loaded is the message that brings a page; the owner hands it to Update.
type Loaded struct {
	cache *Cache
	page  int
	rows  []string
	err   error
}

// New makes a cache for a source of n rows. Its commands end with ctx.
func New(ctx context.Context, src Source, n int) *Cache {
	return &Cache{ctx: ctx, src: src, n: n, pages: map[int][]string{}, asked: map[int]int{}}
}

// Len is the number of rows of the source.
func (c *Cache) Len() int { return c.n }

// Err is the last error of reading, or nil.
func (c *Cache) Err() error { return c.err }

// Grow says that the source has n rows now.
func (c *Cache) Grow(n int) { c.n = n }

// Line gives row i, if it has been read.
func (c *Cache) Line(i int) (string, bool) {
	rows := c.pages[i/pageRows]
	if i%pageRows >= len(rows) {
		return "", false
	}
	return rows[i%pageRows], true
}

// Want gives the command that reads what is missing of rows [from, to), or nil.
func (c *Cache) Want(from, to int) tea.Cmd {
	var cmds []tea.Cmd
	for p := max(0, from) / pageRows; p*pageRows < min(to, c.n); p++ {
		if c.stale(p) {
			c.asked[p] = c.n
			cmds = append(cmds, c.load(p))
		}
	}
	return tea.Batch(cmds...)
}

// stale reports a page that was never asked for, or that was read when the
// source ended in it and has grown since.
func (c *Cache) stale(p int) bool {
	at, ok := c.asked[p]
	return !ok || at < c.n && at < (p+1)*pageRows
}

func (c *Cache) load(page int) tea.Cmd {
	return func() tea.Msg {
		rows, err := c.src.Lines(c.ctx, page*pageRows, pageRows)
		return Loaded{c, page, rows, err}
	}
}

// Update takes a page. It reports whether the message was for this cache.
func (c *Cache) Update(msg tea.Msg) bool {
	m, ok := msg.(Loaded)
	if !ok || m.cache != c {
		return false
	}
	if m.err != nil {
		c.err = m.err
		return true
	}
	if _, had := c.pages[m.page]; !had {
		c.order = append(c.order, m.page)
	}
	c.pages[m.page] = m.rows
	for len(c.order) > maxPages {
		delete(c.pages, c.order[0])
		delete(c.asked, c.order[0])
		c.order = c.order[1:]
	}
	return true
}

// Found is the message that ends a search; Row is -1 when nothing was found.
type Found struct {
	cache *Cache
	Query string
	Row   int
	Err   error
}

// For reports whether the search was one of cache c.
func (f Found) For(c *Cache) bool { return f.cache == c }

// Search gives a command that looks for the next row after from (before it,
// when dir is -1) that match accepts, going round the end.
func (c *Cache) Search(ctx context.Context, query string, from, dir int, match func(string) bool) tea.Cmd {
	n := c.n
	return func() tea.Msg {
		row, err := c.seek(ctx, n, from, dir, match)
		return Found{c, query, row, err}
	}
}

func (c *Cache) seek(ctx context.Context, n, from, dir int, match func(string) bool) (int, error) {
	if n == 0 {
		return -1, nil
	}
	const chunk = 4096
	for done := 0; done < n; {
		at := ((from+dir*(done+1))%n + n) % n
		lo, hi := at, min(n, at+chunk)
		if dir < 0 {
			lo, hi = max(0, at-chunk+1), at+1
		}
		rows, err := c.src.Lines(ctx, lo, hi-lo)
		if err != nil {
			return -1, err
		}
		for k := range rows {
			i := k
			if dir < 0 {
				i = len(rows) - 1 - k
			}
			if match(rows[i]) {
				return lo + i, nil
			}
		}
		if done += hi - lo; ctx.Err() != nil {
			return -1, ctx.Err()
		}
	}
	return -1, nil
}
