package activities

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/sha256hex"
)

// logBlock is how many rows of a log make a dataset. Only the last one of a log changes.
const logBlock = 20_000

// finishedBlock is the identity of kept blocks in the step cache. It is no activity: ComputeView makes them.
var finishedBlock = Step[blockInput, blockOutput]{Name: ComputeView.Name + " block", Version: "3"}

// blockInput is all that a block of a log is a function of.
type blockInput struct {
	Definition artifact.Ref `json:"definition"`
	// Rows is the digest of the rows: logs of two feature databases may be numbered alike.
	Rows string `json:"rows"`
}

// blockOutput is the rows of a block.
type blockOutput struct {
	Dataset artifact.Ref `json:"dataset"`
	Rows    int          `json:"rows"`
	// Quarantined is how many rows break a rule and are left out.
	Quarantined int64 `json:"quarantined,omitempty"`
	Reused
}

// Summary says what it is.
func (o blockOutput) Summary() string { return "rows of a log" + o.mark() }

// Artifacts is the dataset.
func (o blockOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Dataset: o.Dataset}
}

// exported is what was posted of a view, as datasets.
type exported struct {
	blocks      []artifact.Ref
	quarantined int64 // rows that break a rule, and are in none
}

// export writes what was posted of a view as datasets.
func (f *FeatureViews) export(ctx context.Context, of feature.Computable, definition artifact.Ref) (all exported, err error) {
	for after := int64(0); ; after += logBlock {
		rows, err := f.Log.Events(ctx, of.View.Name, after, logBlock)
		if err != nil || len(rows) == 0 {
			return all, err
		}
		data, err := json.Marshal(rows)
		if err != nil {
			return all, fault.Wrap(fault.Internal, err, "encoding a log")
		}
		key := blockInput{Definition: definition, Rows: sha256hex.Of(data)}
		out, err := cached(ctx, f.Reading.Cache, finishedBlock, key, func(ctx context.Context, _ blockInput) (out blockOutput, err error) {
			kept, broken, err := of.View.Reader().Rows(rows)
			if err != nil {
				return out, err
			}
			t, err := logged(of.View, kept)
			if err != nil {
				return out, err
			}
			out.Rows, out.Quarantined = len(kept), int64(broken)
			out.Dataset, err = putTable(ctx, f.Reading.Cache.Objects, t)
			return out, err
		})
		if err != nil {
			return all, err
		}
		all.quarantined += out.Quarantined
		if out.Rows > 0 {
			all.blocks = append(all.blocks, out.Dataset)
		}
		if len(rows) < logBlock {
			return all, nil
		}
	}
}

// logged are rows of a log as a table, with the columns that files of the view have.
func logged(v *feature.View, rows []feature.Row) (dataset.Table, error) {
	text := func(name string) dataset.Column {
		return dataset.Column{Name: name, Kind: dataset.Text, Texts: make([]string, len(rows)), Valid: slices.Repeat([]bool{true}, len(rows))}
	}
	instants := func(name string) dataset.Column {
		return dataset.Column{Name: name, Kind: dataset.Timestamp, Floats: make([]float64, len(rows))}
	}
	t := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: make([]float64, len(rows))}}}
	for _, key := range v.Keys {
		t.Columns = append(t.Columns, text(key))
	}
	id := text(v.ID)
	events, created := instants(v.EventTimestamp), instants(v.CreatedTimestamp)
	inputs := v.Inputs()
	values := make([]dataset.Column, len(inputs))
	for i, c := range inputs {
		if values[i] = (dataset.Column{Name: c.Name, Kind: dataset.KindOf(c.Type), Floats: make([]float64, len(rows))}); values[i].Kind == dataset.Text {
			values[i] = text(c.Name)
		}
	}
	for i, row := range rows {
		keys, err := row.Key.Texts()
		if err != nil {
			return t, err
		}
		t.Columns[0].Floats[i] = float64(i)
		for k := range v.Keys {
			t.Columns[1+k].Texts[i] = keys[k]
		}
		id.Texts[i], events.Floats[i], created.Floats[i] = row.ID, float64(row.Event), float64(row.Created)
		for j, value := range row.Values {
			switch c := &values[j]; {
			case c.Kind == dataset.Text:
				c.Texts[i], c.Valid[i] = value.Text, !value.Missing
			case value.Missing:
				c.Floats[i] = math.NaN()
			default:
				c.Floats[i] = value.Number
			}
		}
	}
	if v.ID != "" {
		t.Columns = append(t.Columns, id)
	}
	t.Columns = append(append(t.Columns, events, created), values...)
	return t, nil
}
