package monitor

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/model"
)

// Score is the champion's score as a number that is watched.
var Score = drift.Feature{Name: "loanops_score"}

// Watched is what both sides hold: counted, and a sample of rows.
type Watched struct {
	Features                     []drift.Feature
	Bins                         drift.Bins // of the features, then of Score
	Reference, Fresh             Counted
	ReferenceSample, FreshSample dataset.Table // with Score as a column
	Segment                      string
	Champion                     *model.Model
}

// Drift is how fresh rows differ from those that the champion was made of.
type Drift struct {
	Reference int64          `json:"reference"` // rows
	Fresh     int64          `json:"fresh"`     // rows
	Overall   []drift.Result `json:"overall"`   // the features, then Score
	// Together is how well a classifier of all features tells the two sides apart.
	Together drift.Separation `json:"together"`
	// Segments are the same for the values of the segment's column, the most frequent first.
	Segment  string         `json:"segment,omitempty"`
	Segments []SegmentDrift `json:"segments"`
	// Distributions are the shares behind Overall, in its order.
	Distributions []Distribution `json:"distributions"`
	// Unseen are the categories with the values that the reference does not have.
	Unseen []Unseen `json:"unseen"`
	// Units are numbers that look as if they were told in another unit.
	Units []Unit `json:"units"`
	// Effects say what each feature's drift does to the score, the strongest first.
	Effects []drift.Effect `json:"effects"`
}

// SegmentDrift is the drift among the rows of one value.
type SegmentDrift struct {
	Value   string         `json:"value"` // empty where fewer than five rows have it, before or now: it may name a person
	Results []drift.Result `json:"results"`
}

// Unit is a feature whose values are those of the reference times a factor.
type Unit struct {
	Feature string  `json:"feature"`
	Factor  float64 `json:"factor"`
}

// HoldAgainst measures the drift.
func HoldAgainst(w Watched, limits drift.Limits) (Drift, error) {
	d := Drift{Reference: w.Reference.All.Rows, Fresh: w.Fresh.All.Rows, Segment: w.Segment, Segments: []SegmentDrift{}, Units: []Unit{}}
	var err error
	if d.Overall, err = drift.Compare(w.Bins, w.Reference.All, w.Fresh.All, limits); err != nil {
		return d, err
	}
	if d.Together, err = drift.Separate(w.Features, w.ReferenceSample, w.FreshSample, limits); err != nil {
		return d, err
	}
	if d.Unseen, err = unseenOf(w); err != nil {
		return d, err
	}
	d.Distributions = distributions(w.Bins, w.Reference.All, w.Fresh.All)
	for _, value := range w.Fresh.values() {
		before, known := w.Reference.Segments[value]
		if !known {
			continue
		}
		results, err := drift.Compare(w.Bins, before, w.Fresh.Segments[value], limits)
		if err != nil {
			return d, err
		}
		if before.Rows < dataset.LeastNamed || w.Fresh.Segments[value].Rows < dataset.LeastNamed {
			value = ""
		}
		d.Segments = append(d.Segments, SegmentDrift{Value: value, Results: results})
	}
	for _, r := range d.Overall {
		if r.Category || r.Name == Score.Name || !r.Beyond() {
			continue
		}
		if factor, found := unitFactor(w.ReferenceSample.Column(r.Name).Floats, w.FreshSample.Column(r.Name).Floats); found {
			d.Units = append(d.Units, Unit{Feature: r.Name, Factor: factor})
		}
	}
	d.Effects, err = effects(w)
	return d, err
}
