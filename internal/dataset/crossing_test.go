package dataset_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// check holds parts that are one batch each against the promises of their split.
func check(spec pipeline.Spec, parts ...dataset.Table) error {
	_, err := kept(spec, parts...)
	return err
}

func kept(spec pipeline.Spec, parts ...dataset.Table) (dataset.Kept, error) {
	c := dataset.NewSplitCheck(spec)
	var traces [3][]dataset.Traces
	for i, part := range parts {
		narrow := dataset.Table{}
		for _, column := range part.Columns {
			if slices.Contains(c.Columns(part.Fields()), column.Name) {
				narrow.Columns = append(narrow.Columns, column)
			}
		}
		trace, err := c.Trace(narrow)
		if err != nil {
			return dataset.Kept{}, err
		}
		traces[i] = append(traces[i], trace)
	}
	return c.Judge(traces)
}

// Whatever is split, nothing crosses.
func TestNoSplitCrosses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spec, table := anySplit(t)
		train, validation, test, err := split(spec, table, time.Time{})
		if err != nil {
			return
		}
		require.NoError(t, check(spec, train, validation, test))
	})
}

// Equal applications that are told apart by nothing but their place in the source stay together: eighty of them, five times each.
func TestThePlaceInTheSourcePartsNoEqualRows(t *testing.T) {
	t.Parallel()
	spec := loans(shares(pipeline.ByHash))
	spec.Entity = ""
	var all []loan
	for i := range 400 {
		all = append(all, loan{branch: strconv.Itoa(i % 40), bad: i%80 < 40})
	}
	table := tableOf(all...)
	place := dataset.Column{Name: dataset.RowColumn, Kind: dataset.Integer}
	for i := range all {
		place.Floats = append(place.Floats, float64(i+1))
	}
	table.Columns = append([]dataset.Column{place}, table.Columns...)
	train, validation, test, err := split(spec, table, time.Time{})
	require.NoError(t, err)
	found, err := kept(spec, train, validation, test)
	require.NoError(t, err)
	require.Equal(t, 80, found.Contents, "forty branches with both outcomes")
}

// Counts by hand: the parts below have two loans each.
func TestWhatCrossesIsFound(t *testing.T) {
	t.Parallel()
	parts := func() [3][]loan {
		var made [3][]loan
		for i := range 6 {
			made[i/2] = append(made[i/2], loan{id: "secret " + strconv.Itoa(i), branch: "b" + strconv.Itoa(i), day: float64(10 * (i / 2)), amount: float64(i), bad: i%2 == 0})
		}
		return made
	}
	for _, test := range []struct {
		name   string
		split  pipeline.Split
		entity string
		cross  func(p *[3][]loan)
		says   string
	}{
		{"nothing", shares("hash"), "id", func(*[3][]loan) {}, ""},
		{"an entity of training in the test part", shares("hash"), "id", func(p *[3][]loan) { p[2][0].id = p[0][1].id }, "1 entities of the test part are in the train part as well"},
		{"an entity of training in the validation part", shares("stratified"), "id", func(p *[3][]loan) { p[1][0].id = p[0][1].id }, "1 entities of the validation part are in the train part as well"},
		{"an entity of the validation part in the test part", shares("time"), "id", func(p *[3][]loan) { p[2][0].id = p[1][1].id }, "1 entities of the test part are in the validation part as well"},
		{"entities without a value", shares("hash"), "id", func(p *[3][]loan) { p[2][0].id, p[0][0].id = "", "" }, ""},
		{"a group", pipeline.Split{By: "grouped", Group: "branch"}, "id", func(p *[3][]loan) { p[1][0].branch = p[0][1].branch }, "1 groups of the validation part are in the train part as well"},
		{"rows without a group", pipeline.Split{By: "grouped", Group: "branch"}, "id", func(p *[3][]loan) { p[1][0].branch, p[0][1].branch = "", "" }, ""},
		{"a branch where nobody promised one", shares("hash"), "id", func(p *[3][]loan) { p[1][0].branch = p[0][1].branch }, ""},
		{"equal rows", shares("hash"), "", func(p *[3][]loan) { p[2] = append(p[2], p[0]...) }, "2 equal rows of the test part are in the train part as well"},
		{"rows that differ in one column", shares("hash"), "", func(p *[3][]loan) {
			p[2] = append(p[2], p[0]...)
			p[2][2].amount, p[2][3].branch = 7, ""
		}, ""},
		{"equal rows of entities", shares("hash"), "id", func(p *[3][]loan) {
			p[2] = append(p[2], p[0]...)
			p[2][2].id, p[2][3].id = "x", "y"
		}, ""},
		{"a later day in training", shares("time"), "id", func(p *[3][]loan) { p[0][1].day = 10 }, "the train part has days within 0 days before the first of the validation part, or after it"},
		{"a later day in validation", shares("time"), "id", func(p *[3][]loan) { p[1][1].day = 21 }, "the validation part has days within 0 days before the first of the test part, or after it"},
		{"days by hash", shares("hash"), "id", func(p *[3][]loan) { p[0][1].day = 10 }, ""},
		{"an embargo that is kept", pipeline.Split{By: "time", EmbargoDays: 9}, "id", func(*[3][]loan) {}, ""},
		{"an embargo that is not", pipeline.Split{By: "time", EmbargoDays: 10}, "id", func(*[3][]loan) {}, "the train part has days within 10 days before the first of the validation part"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := loans(test.split)
			spec.Entity = test.entity
			if test.entity == "" {
				spec.Protected = nil
			}
			p := parts()
			test.cross(&p)
			err := check(spec, tableOf(p[0]...), tableOf(p[1]...), tableOf(p[2]...))
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, fault.Refused, fault.CodeOf(err))
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestSplitCheckSaysWhatItCompared(t *testing.T) {
	t.Parallel()
	rows := [3]dataset.Table{tableOf(loan{id: "a", branch: "n"}, loan{id: "b", branch: "n"}), tableOf(loan{id: "c"}), tableOf(loan{id: "d", branch: "s"})}
	spec := loans(pipeline.Split{By: "grouped", Group: "branch"})
	got, err := kept(spec, rows[:]...)
	require.NoError(t, err)
	require.Equal(t, dataset.Kept{Entities: 4, Groups: 2}, got)
	for _, lacking := range []string{"entity", "group"} {
		less := spec
		if lacking == "entity" {
			less.Entity = "absent"
		} else {
			less.Split.Group = "absent"
		}
		_, err = kept(less, rows[:]...)
		require.ErrorContains(t, err, "the "+lacking+` column "absent" is missing`)
	}
}
