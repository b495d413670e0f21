// Command drift is LoanOps' side of the comparison of drift: it writes two sets of rows as Parquet, and holds one against the other.
package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/tests/peers/rows"
)

// partRows is how many rows a part has.
const partRows = 1 << 17

func main() {
	generate := flag.Int("generate", 0, "write so many `rows` of reference and as many of window in place of reading")
	later := flag.Bool("later", false, "take bins and counts of the reference as the first look has kept them")
	flag.Parse()
	var err error
	if *generate > 0 {
		err = write(flag.Arg(0), *generate)
	} else {
		err = compare(flag.Arg(0), *later)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write makes twice the rows that all comparisons read: the first half is the reference, the second the window, of which nothing has drifted.
func write(folder string, n int) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	path := filepath.Join(folder, "rows.csv")
	defer os.Remove(path)
	if err := rows.Write(path, 2*n, false); err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return err
	}
	names := slices.Clone(header)
	for _, side := range []string{"reference", "window"} {
		if err := writeSide(r, names, filepath.Join(folder, side), n); err != nil {
			return err
		}
	}
	return nil
}

// writeSide writes so many rows as parts and a manifest.
func writeSide(r *csv.Reader, names []string, path string, n int) error {
	var m dataset.Manifest
	for m.Rows < int64(n) {
		t, err := read(r, names, min(n-int(m.Rows), partRows))
		if err != nil {
			return err
		}
		out, err := os.Create(part(path, len(m.Parts)))
		if err != nil {
			return err
		}
		if err := dataset.WriteParquet(out, t); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
		m.Columns = t.Fields()
		m.Parts = append(m.Parts, dataset.Part{Rows: int64(t.Rows())})
		m.Rows += int64(t.Rows())
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(path+".json", text, 0o644)
}

func part(path string, i int) string { return fmt.Sprintf("%s-%03d.parquet", path, i) }

func read(r *csv.Reader, names []string, n int) (dataset.Table, error) {
	var t dataset.Table
	for _, name := range names {
		kind := map[byte]dataset.Kind{'f': dataset.Float, 'i': dataset.Integer, 'c': dataset.Text}[name[0]]
		t.Columns = append(t.Columns, dataset.Column{Name: name, Kind: kind})
	}
	for range n {
		record, err := r.Read()
		if err != nil {
			return t, err
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			if c.Kind == dataset.Text {
				c.Texts, c.Valid = append(c.Texts, record[i]), append(c.Valid, true)
				continue
			}
			x, err := strconv.ParseFloat(record[i], 64)
			if err != nil {
				return t, err
			}
			c.Floats = append(c.Floats, x)
		}
	}
	return t, nil
}

// side is the dataset of one side, and its files.
func side(folder, name string) (dataset.Manifest, []string, error) {
	path := filepath.Join(folder, name)
	text, err := os.ReadFile(path + ".json")
	if err != nil {
		return dataset.Manifest{}, nil, err
	}
	m, err := dataset.DecodeManifest(text)
	paths := make([]string, len(m.Parts))
	for i := range paths {
		paths[i] = part(path, i)
	}
	return m, paths, err
}

// kept is the reference's side of every look, as the first one keeps it.
type kept struct {
	Bins   drift.Bins   `json:"bins"`
	Counts drift.Counts `json:"counts"`
}

// countReference does what the first look at a champion does: it decides bins by a sample of the reference, counts the reference, and keeps that.
func countReference(ctx context.Context, folder string) (k kept, err error) {
	said := time.Now()
	m, paths, err := side(folder, "reference")
	if err != nil {
		return k, err
	}
	sample, err := dataset.Sample(ctx, m, paths, nil, drift.MaxSeparated)
	if err != nil {
		return k, err
	}
	said = took("sample the reference", said)
	var features []drift.Feature
	for _, f := range m.Columns {
		features = append(features, drift.Feature{Name: f.Name, Category: f.Kind == dataset.Text})
	}
	if k.Bins, err = drift.NewBins(features, sample); err != nil {
		return k, err
	}
	said = took("decide bins", said)
	if k.Counts, err = count(ctx, k.Bins, m, paths); err != nil {
		return k, err
	}
	took("count the reference", said)
	text, err := json.Marshal(k)
	if err != nil {
		return k, err
	}
	return k, os.WriteFile(filepath.Join(folder, "kept.json"), text, 0o644)
}

// found is what the first look has kept.
func found(folder string) (k kept, err error) {
	text, err := os.ReadFile(filepath.Join(folder, "kept.json"))
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(text, &k)
}

// count counts the rows of one side, part by part.
func count(ctx context.Context, bins drift.Bins, m dataset.Manifest, paths []string) (drift.Counts, error) {
	counter := drift.NewCounter(bins)
	err := dataset.Each(ctx, m, paths, nil, func(_, _ int, t dataset.Table) error { return counter.Add(t) })
	return counter.Counts(), err
}

// compare holds the window against the reference, which is counted now or, later, was.
func compare(folder string, later bool) error {
	began, ctx := time.Now(), context.Background()
	var before kept
	var err error
	if later {
		before, err = found(folder)
	} else {
		before, err = countReference(ctx, folder)
	}
	if err != nil {
		return err
	}
	said := time.Now()
	m, paths, err := side(folder, "window")
	if err != nil {
		return err
	}
	window, err := count(ctx, before.Bins, m, paths)
	if err != nil {
		return err
	}
	said = took("read and count the window", said)
	results, err := drift.Compare(before.Bins, before.Counts, window, drift.Limits{})
	if err != nil {
		return err
	}
	took("compare", said)
	smallest, beyond := 1.0, 0
	for _, r := range results {
		smallest = min(smallest, r.P)
		if r.Beyond() {
			beyond++
		}
	}
	took("all", began)
	fmt.Printf("%d features, smallest p-value %.3g, %d beyond a limit\n", len(results), smallest, beyond)
	return nil
}

// took says how long something took.
func took(what string, since time.Time) time.Time {
	now := time.Now()
	fmt.Printf("%-28s %6.2f s\n", what, now.Sub(since).Seconds())
	return now
}
