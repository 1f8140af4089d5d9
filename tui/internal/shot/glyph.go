package shot

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// Sides that the lines of a box character reach.
const (
	left = 1 << iota
	top
	right
	bottom
)

var boxes = map[string]int{
	"─": left | right, "│": top | bottom, "╭": right | bottom, "╮": left | bottom, "╰": right | top, "╯": left | top,
	"├": top | bottom | right, "┤": top | bottom | left, "┬": left | right | bottom, "┴": left | right | top, "┼": left | top | right | bottom,
}

// shapes are glyphs that the font lacks, as polygons in hundredths of a cell.
var shapes = map[string][]float32{
	"▸": {25, 32, 80, 53, 25, 74},
	"▾": {12, 40, 88, 40, 50, 70},
	"✓": {8, 56, 20, 50, 38, 64, 84, 26, 94, 32, 40, 78},
	"▏": {0, 0, 14, 0, 14, 100, 0, 100},
	"█": {0, 0, 100, 0, 100, 100, 0, 100},
}

// glyph draws what has to join its neighbours, or what the font lacks. It
// reports whether it has drawn anything.
func glyph(img *image.RGBA, r image.Rectangle, text string, fore, back color.RGBA) bool {
	if m, ok := boxes[text]; ok {
		box(img, r, m, fore)
		return true
	}
	switch text {
	case "░":
		draw.Draw(img, r, image.NewUniform(mix(fore, back, 3)), image.Point{}, draw.Src)
		return true
	case "⋯":
		for i := range 3 {
			x := r.Min.X + 1 + i*(r.Dx()-2)/3
			draw.Draw(img, image.Rect(x, r.Min.Y+r.Dy()/2, x+2, r.Min.Y+r.Dy()/2+2), image.NewUniform(fore), image.Point{}, draw.Src)
		}
		return true
	}
	p, ok := shapes[text]
	if ok {
		polygon(img, r, p, fore)
	}
	return ok
}

func mix(a, b color.RGBA, n int) color.RGBA {
	f := func(x, y uint8) uint8 { return uint8((int(x) + (n-1)*int(y)) / n) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 0xff}
}

func box(img *image.RGBA, r image.Rectangle, m int, c color.RGBA) {
	if m == left|top || m == left|bottom || m == right|top || m == right|bottom {
		corner(img, r, m, c)
		return
	}
	x, y := (r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2
	fill := func(x0, y0, x1, y1 int) {
		draw.Draw(img, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	if m&left != 0 {
		fill(r.Min.X, y, x+1, y+1)
	}
	if m&right != 0 {
		fill(x, y, r.Max.X, y+1)
	}
	if m&top != 0 {
		fill(x, r.Min.Y, x+1, y+1)
	}
	if m&bottom != 0 {
		fill(x, y, x+1, r.Max.Y)
	}
}

func polygon(img *image.RGBA, r image.Rectangle, p []float32, c color.RGBA) {
	v := vector.NewRasterizer(r.Dx(), r.Dy())
	at := func(i int) (float32, float32) { return p[i] * float32(r.Dx()) / 100, p[i+1] * float32(r.Dy()) / 100 }
	v.MoveTo(at(0))
	for i := 2; i < len(p); i += 2 {
		v.LineTo(at(i))
	}
	v.ClosePath()
	v.Draw(img, r, image.NewUniform(c), image.Point{})
}

// corner draws a quarter of a circle that joins two sides.
func corner(img *image.RGBA, r image.Rectangle, m int, c color.RGBA) {
	const radius = 4
	x, y := (r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2
	dx, dy := 1, 1
	if m&left != 0 {
		dx = -1
	}
	if m&top != 0 {
		dy = -1
	}
	for i := 0; image.Pt(x+dx*(radius+i), y).In(r); i++ {
		img.SetRGBA(x+dx*(radius+i), y, c)
	}
	for i := 0; image.Pt(x, y+dy*(radius+i)).In(r); i++ {
		img.SetRGBA(x, y+dy*(radius+i), c)
	}
	// How much of each pixel the arc covers, by its distance from the arc.
	for i := range radius {
		for k := range radius {
			off := math.Abs(math.Hypot(float64(radius-i), float64(radius-k)) - radius)
			if off < 1 {
				p := image.Pt(x+dx*i, y+dy*k)
				img.SetRGBA(p.X, p.Y, blend(c, img.RGBAAt(p.X, p.Y), 1-off))
			}
		}
	}
}

func blend(a, b color.RGBA, share float64) color.RGBA {
	f := func(x, y uint8) uint8 { return uint8(share*float64(x) + (1-share)*float64(y)) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 0xff}
}
