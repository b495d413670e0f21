package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"path"
)

//go:embed *.html
var pages embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"number": number, "figure": figure, "share": share, "points": points, "segment": segmentName, "time": moment, "took": took, "base": path.Base, "place": place}).ParseFS(pages, "*.html"))

// render fills a page.
func render(name, title string, view any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, map[string]any{"Title": title, "View": view}); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return out.Bytes(), nil
}
