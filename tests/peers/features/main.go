// Command features is LoanOps' side of the comparison of point-in-time joins: it writes labels and rows of features, and joins them.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/warehouse"
)

const (
	features = 6
	day      = int64(24 * time.Hour / time.Microsecond)
	first    = int64(1_735_689_600_000_000) // the beginning of 2025
	partRows = 1 << 20

	partitions = "partitions.json" // what was made of the rows
)

// bureau is a view of six plain features that are known up to three days after they were true, and count for 90 days.
func bureau() *feature.View {
	v := &feature.View{Name: "bureau", EventTimestamp: "event_timestamp", CreatedTimestamp: "created_timestamp", TTL: feature.Span(90 * 24 * time.Hour)}
	for i := range features {
		v.Features = append(v.Features, feature.Feature{Name: fmt.Sprintf("f%d", i), Type: pipeline.Number})
	}
	v.Keys = []string{"applicant_id"}
	return v
}

func main() {
	generate := flag.Int("generate", 0, "write so many `rows` of labels and as many of features in place of joining")
	flag.Parse()
	var err error
	if *generate > 0 {
		err = write(flag.Arg(0), *generate)
	} else {
		err = join(flag.Arg(0), filepath.Join(flag.Arg(0), "joined.parquet"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write makes a year of labels and of features about a fifth as many applicants, and the partitions of the latter.
func write(folder string, n int) error {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark's data
	if err := os.MkdirAll(filepath.Join(folder, "days"), 0o755); err != nil {
		return err
	}
	var rows feature.RowFiles
	for begin := 0; begin < n; begin += partRows {
		size := min(partRows, n-begin)
		for _, name := range []string{"labels", "rows"} {
			t := about(r, size, n/5)
			if name == "labels" {
				t.Columns = append(t.Columns, numbered(begin, size))
			} else {
				t.Columns = append(t.Columns, said(r, t)...)
			}
			path := filepath.Join(folder, fmt.Sprintf("%s-%03d.parquet", name, begin/partRows))
			if err := writeTable(path, t); err != nil {
				return err
			}
			if name == "rows" {
				rows.Files = append(rows.Files, path)
			}
		}
	}
	w, err := warehouse.Open(filepath.Join(folder, "spill"))
	if err != nil {
		return err
	}
	counted, err := w.Days(context.Background(), bureau(), rows.Files)
	if err != nil {
		return err
	}
	all := map[feature.Day]int64{}
	for _, of := range counted {
		for day, n := range of {
			all[day] += n
		}
	}
	made, err := w.Partition(context.Background(), bureau(), rows, feature.Periods(all), filepath.Join(folder, "days"))
	if err != nil {
		return err
	}
	fmt.Printf("%d partitions\n", len(made))
	data, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, partitions), data, 0o600)
}

// about is so many applicants at any time of a year.
func about(r *rand.Rand, rows, applicants int) dataset.Table {
	id, at := dataset.Column{Name: "applicant_id", Kind: dataset.Text}, dataset.Column{Name: "event_timestamp", Kind: dataset.Timestamp}
	for range rows {
		id.Texts, id.Valid = append(id.Texts, "A-"+strconv.Itoa(r.IntN(max(applicants, 1)))), append(id.Valid, true)
		at.Floats = append(at.Floats, float64(first+r.Int64N(365*day)))
	}
	return dataset.Table{Columns: []dataset.Column{id, at}}
}

func numbered(begin, rows int) dataset.Column {
	c := dataset.Column{Name: dataset.RowColumn, Kind: dataset.Integer}
	for i := range rows {
		c.Floats = append(c.Floats, float64(begin+i+1))
	}
	return c
}

// said is when the rows were known, and what they say.
func said(r *rand.Rand, t dataset.Table) []dataset.Column {
	columns := []dataset.Column{{Name: "created_timestamp", Kind: dataset.Timestamp}}
	for _, event := range t.Column("event_timestamp").Floats {
		columns[0].Floats = append(columns[0].Floats, event+float64(r.Int64N(3*day)))
	}
	for i := range features {
		c := dataset.Column{Name: fmt.Sprintf("f%d", i)}
		for range t.Rows() {
			c.Floats = append(c.Floats, float64(r.IntN(1_000_000))/1000)
		}
		columns = append(columns, c)
	}
	return columns
}

func writeTable(path string, t dataset.Table) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	return dataset.WriteParquet(out, t)
}

// join gives every label the features of its moment.
func join(folder, to string) error {
	labels := source.Staged{Name: "labels"}
	var err error
	if labels.Paths, err = filepath.Glob(filepath.Join(folder, "labels-*.parquet")); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(folder, partitions))
	if err != nil {
		return err
	}
	j := feature.Join{Computable: feature.Computable{View: bureau()}, On: []string{"applicant_id"}}
	if err := json.Unmarshal(data, &j.Days); err != nil {
		return err
	}
	for _, f := range j.View.Features {
		j.Features = append(j.Features, feature.JoinedFeature{Name: f.Name, As: f.Name})
	}
	w, err := warehouse.Open(filepath.Join(folder, "spill"))
	if err != nil {
		return err
	}
	return w.JoinFeatures(context.Background(), labels, "event_timestamp", []feature.Join{j}, to)
}
