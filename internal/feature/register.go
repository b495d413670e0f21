package feature

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Kind is what a definition is of.
type Kind string

// The kinds.
const (
	KindEntity     Kind = "entity"
	KindView       Kind = "view"
	KindExpression Kind = "expression"
	KindService    Kind = "service"
)

// Stage is what a version of a definition may be used for.
type Stage string

// The stages.
const (
	Staged  Stage = "staged"  // it can be used by its version, and is not what its name means
	Active  Stage = "active"  // it is what its name means, as long as no other version of it became active since
	Retired Stage = "retired" // nothing new may use it
)

// Registered is one row of the register of definitions: a version at the stage that it has from then on. No row is ever changed.
type Registered struct {
	// Nth is the row's place in the register, from 1; the register sets it.
	Nth  int64  `json:"nth"`
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Version is numbered per kind and name, from 1, without gaps.
	Version int `json:"version"`
	// Meaning is the digest of what it means: every row of a version has the same.
	Meaning string `json:"meaning"`
	// Document is the definition as JSON. Rows of one version may differ in what is no part of the meaning, see About.
	Document json.RawMessage `json:"document"`
	Stage    Stage           `json:"stage"`
	// Actor says to people who registered it.
	Actor string `json:"actor"`
	// Repository is the one whose commit registered it; empty of a person. By it is decided whose a name is, see Catalogue.Owner.
	Repository string `json:"repository,omitempty"`
	// At is when it was registered; the register sets it.
	At time.Time `json:"at"`
	// What changes by it, in words.
	What string `json:"what"`
}

// DecodeView is the view of a row's document. One that says more than this program knows is a NotUnderstoodError.
func (r *Registered) DecodeView() (*View, error) {
	var view View
	in := json.NewDecoder(bytes.NewReader(r.Document))
	in.DisallowUnknownFields()
	err := in.Decode(&view)
	if err != nil {
		err = &NotUnderstoodError{fault.Wrap(fault.Invalid, err, "version %d of view %s", r.Version, r.Name)}
	}
	return &view, err
}

// unknown is a NotUnderstoodError where the view has an aggregate that this program does not compute.
func (v *View) unknown() error {
	for i := range v.Features {
		if f := &v.Features[i]; !f.Plain() && !slices.Contains(Aggregates, f.Aggregate) {
			return &NotUnderstoodError{fault.New(fault.Invalid, "view %s: %s is the %s of a window, which this program does not compute", v.Name, f.Name, f.Aggregate)}
		}
	}
	return nil
}

// Register keeps what was declared, by whom and when.
type Register interface {
	// Register appends rows in their order, all or none, and returns them with Nth and At set. After is Nth of the newest row that whoever planned them
	// saw, 0 of none: when there is a newer one, the plan is of another register and it is fault.Conflict. A row that is not complete, whose meaning differs
	// from that of the version's earlier rows, or whose new version does not follow the newest of its kind and name, is fault.Invalid. No rows change nothing.
	Register(ctx context.Context, after int64, rows []Registered) ([]Registered, error)
	// Registered returns all rows that follow the one with that Nth, in their order: after 0 all that there are. None is empty.
	Registered(ctx context.Context, after int64) ([]Registered, error)
}

// PromisesFreshness says whether any version of a view does, or did.
func PromisesFreshness(rows []Registered) (bool, error) {
	for _, row := range rows {
		if row.Kind != KindView {
			continue
		}
		var view View
		if err := json.Unmarshal(row.Document, &view); err != nil {
			return false, fault.Wrap(fault.Internal, err, "row %d of the register", row.Nth)
		}
		if view.Freshness > 0 {
			return true, nil
		}
	}
	return false, nil
}

// Live returns, per name, the newest row of every version of a kind that is staged or active, in the order of their versions: those that rows are kept for.
func Live(rows []Registered, kind Kind) map[string][]Registered {
	newest := map[string]map[int]Registered{}
	for _, r := range rows {
		if r.Kind != kind {
			continue
		}
		if newest[r.Name] == nil {
			newest[r.Name] = map[int]Registered{}
		}
		newest[r.Name][r.Version] = r
	}
	live := map[string][]Registered{}
	for name, versions := range newest {
		for version := 1; version <= len(versions); version++ {
			if r := versions[version]; r.Stage == Staged || r.Stage == Active {
				live[name] = append(live[name], r)
			}
		}
	}
	return live
}

// LiveSince returns, per version of a view, the row since which it has been staged or active all the time; versions that are retired have none.
func LiveSince(rows []Registered, view string) map[int]int64 {
	since := map[int]int64{}
	for _, r := range rows {
		switch {
		case r.Kind != KindView || r.Name != view:
		case r.Stage == Retired:
			delete(since, r.Version)
		case since[r.Version] == 0:
			since[r.Version] = r.Nth
		}
	}
	return since
}
