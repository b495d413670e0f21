package simulation

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// Page is a page that a program has written.
type Page struct {
	text string
	rows map[string][]string
}

// Cell is one of a table on a page: the last heading of second order above the table, the first cells of its head and of the row, and which of the others
// it is, from 0.
type Cell struct {
	Section, Title, Row string
	Column              int
	Text                string
}

// ReadPage reads the tables of a page.
func ReadPage(path string) (Page, error) {
	text, err := os.ReadFile(path)
	p := Page{string(text), map[string][]string{}}
	section, title := "", ""
	for line := range strings.Lines(p.text) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(heading)
		}
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			title = ""
		case strings.HasPrefix(line, "|-"):
		case title == "":
			title = cells[0]
		default:
			p.rows[key(section, title, cells[0])] = cells[1:]
		}
	}
	return p, err
}

func key(section, title, row string) string { return section + "; " + title + "; " + row }

// Row is the cells of a row after its first one; none where there is no such row.
func (p Page) Row(section, title, row string) []string { return p.rows[key(section, title, row)] }

// Numbers are those of a row, of which the page must have so many.
func (p Page) Numbers(section, title, row string, wanted int) ([]float64, error) {
	cells := p.Row(section, title, row)
	if len(cells) != wanted {
		return nil, fmt.Errorf("%s has %d cells, not %d", key(section, title, row), len(cells), wanted)
	}
	numbers := make([]float64, wanted)
	for i, cell := range cells {
		var err error
		if numbers[i], err = strconv.ParseFloat(cell, 64); err != nil {
			return nil, fmt.Errorf("%s: %w", key(section, title, row), err)
		}
	}
	return numbers, nil
}

// Stale says what of the page is not what its program writes now, as far as these parts of its text and these cells tell; nothing of a page that is
// current.
func (p Page) Stale(parts []string, cells []Cell) (stale []string) {
	for _, part := range parts {
		if !strings.Contains(p.text, part) {
			stale = append(stale, "the text "+part)
		}
	}
	for _, c := range cells {
		row := p.Row(c.Section, c.Title, c.Row)
		switch {
		case c.Column >= len(row):
			stale = append(stale, fmt.Sprintf("%s has no cell %d", key(c.Section, c.Title, c.Row), c.Column))
		case row[c.Column] != c.Text:
			stale = append(stale, fmt.Sprintf("%s, cell %d: %s, now it is %s", key(c.Section, c.Title, c.Row), c.Column, row[c.Column], c.Text))
		}
	}
	return stale
}

// Most is the largest count of so many trials that is not beyond a probability by more than chance brings once in 1,000.
func Most(trials int, probability float64) int {
	count := 0
	for 1-(distuv.Binomial{N: float64(trials), P: probability}).CDF(float64(count)) > 0.001 {
		count++
	}
	return count
}
