// Package shot draws a screen of cells as a picture, so that the pictures of
// the documentation are the real screens and cannot drift from the tests.
//
// It needs no outside program and no font of the machine.
package shot

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	uv "github.com/charmbracelet/ultraviolet"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Camera draws screens of one look.
type Camera struct {
	fore, back  color.RGBA
	plain, bold font.Face
	w, h, base  int // of a cell, in pixels
	pad         int
}

// New makes a camera for a dark or a light terminal.
func New(dark bool) (*Camera, error) {
	c := &Camera{fore: color.RGBA{0x1f, 0x29, 0x37, 0xff}, back: color.RGBA{0xfb, 0xfc, 0xfd, 0xff}, pad: 12}
	if dark {
		c.fore, c.back = color.RGBA{0xcf, 0xd6, 0xe1, 0xff}, color.RGBA{0x12, 0x16, 0x1d, 0xff}
	}
	var err error
	if c.plain, err = face(gomono.TTF); err != nil {
		return nil, err
	}
	if c.bold, err = face(gomonobold.TTF); err != nil {
		return nil, err
	}
	advance, _ := c.plain.GlyphAdvance('M')
	m := c.plain.Metrics()
	c.w, c.base = advance.Round(), m.Ascent.Ceil()+2
	c.h = c.base + m.Descent.Ceil() + 2
	return c, nil
}

func face(ttf []byte) (font.Face, error) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("parsing the font: %w", err)
	}
	out, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 15, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("making a font face: %w", err)
	}
	return out, nil
}

// Screen lays out text with escape sequences on w by h cells.
func Screen(text string, w, h int) uv.ScreenBuffer {
	buf := uv.NewScreenBuffer(w, h)
	uv.NewStyledString(text).Draw(buf, buf.Bounds())
	return buf
}

// PNG draws text with escape sequences, w by h cells, and writes the picture.
func (c *Camera) PNG(out io.Writer, text string, w, h int) error {
	if err := png.Encode(out, c.Draw(Screen(text, w, h))); err != nil {
		return fmt.Errorf("encoding the picture: %w", err)
	}
	return nil
}

// Draw draws a screen.
func (c *Camera) Draw(screen uv.ScreenBuffer) image.Image {
	b := screen.Bounds()
	img := image.NewRGBA(image.Rect(0, 0, b.Dx()*c.w+2*c.pad, b.Dy()*c.h+2*c.pad))
	draw.Draw(img, img.Bounds(), image.NewUniform(c.back), image.Point{}, draw.Src)
	for y := range b.Dy() {
		for x := range b.Dx() {
			if cell := screen.CellAt(x, y); cell != nil && cell.Width > 0 {
				c.cell(img, cell, image.Rect(0, 0, cell.Width*c.w, c.h).Add(image.Pt(c.pad+x*c.w, c.pad+y*c.h)))
			}
		}
	}
	return img
}

func (c *Camera) cell(img *image.RGBA, cell *uv.Cell, r image.Rectangle) {
	fore, back := rgba(cell.Style.Fg, c.fore), rgba(cell.Style.Bg, c.back)
	if cell.Style.Attrs&uv.AttrReverse != 0 {
		fore, back = back, fore
	}
	if back != c.back {
		draw.Draw(img, r, image.NewUniform(back), image.Point{}, draw.Src)
	}
	if cell.Content == " " || cell.Content == "" || glyph(img, r, cell.Content, fore, back) {
		return
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(fore), Face: c.plain, Dot: fixed.P(r.Min.X, r.Min.Y+c.base)}
	if cell.Style.Attrs&uv.AttrBold != 0 {
		d.Face = c.bold
	}
	d.DrawString(cell.Content)
}

func rgba(c color.Color, none color.RGBA) color.RGBA {
	if c == nil {
		return none
	}
	r, g, b, _ := c.RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}
}
