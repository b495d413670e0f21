package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

//go:embed *.html
var pages embed.FS

var templates = template.Must(template.ParseFS(pages, "*.html"))

// render fills a page.
func render(name, title string, view any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, map[string]any{"Title": title, "View": view}); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}

func newCanvas(c *vgsvg.Canvas) draw.Canvas { return draw.New(c) }
