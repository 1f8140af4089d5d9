package shot

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"io"
	"slices"
	"time"
)

// Frame is a screen of a film and how long it stays.
type Frame struct {
	Text string // with escape sequences
	For  time.Duration
}

// GIF draws the frames, w by h cells, and writes them as a film that begins
// again.
func (c *Camera) GIF(out io.Writer, frames []Frame, w, h int) error {
	film := &gif.GIF{}
	for _, f := range frames {
		img := c.Draw(Screen(f.Text, w, h))
		film.Image = append(film.Image, paletted(img))
		film.Delay = append(film.Delay, int(f.For/(10*time.Millisecond)))
	}
	if err := gif.EncodeAll(out, film); err != nil {
		return fmt.Errorf("encoding the film: %w", err)
	}
	return nil
}

// paletted reduces a picture to the 256 colours that it has most of. A screen has
// few colours, but their borders with the ground are many.
func paletted(img image.Image) *image.Paletted {
	counts := map[color.RGBA]int{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	out := image.NewPaletted(b, mostUsed(counts))
	draw.Draw(out, b, img, b.Min, draw.Src)
	return out
}

func mostUsed(counts map[color.RGBA]int) color.Palette {
	var all []color.RGBA
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var out color.Palette
	for _, c := range all[:min(len(all), 256)] {
		out = append(out, c)
	}
	return out
}
