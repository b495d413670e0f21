package features_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/pipelines"
)

// view is what these tests read of one.
type view struct {
	Name   string
	Source struct {
		Simulate struct {
			Feed              string
			pipeline.Simulate `yaml:",inline"`
		}
	}
	ID               string
	EventTimestamp   string `yaml:"event_timestamp"`
	CreatedTimestamp string `yaml:"created_timestamp"`
	Columns          []pipeline.Column
	Features         []struct {
		Name, Aggregate, Of, Reason, Description string
		Type                                     pipeline.ColumnType
		Min, Max                                 *float64
		Domain                                   []string
	}
}

func views(t *testing.T) (all []view) {
	t.Helper()
	files, err := fs.Glob(features.FS, "*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		data, err := features.FS.ReadFile(file)
		require.NoError(t, err)
		var declared struct{ Views []view }
		require.NoError(t, yaml.Unmarshal(data, &declared), file)
		all = append(all, declared.Views...)
	}
	require.Len(t, all, len(simulate.Feeds))
	return all
}

// kinds are how a simulated feed holds the values of a type.
var kinds = map[pipeline.ColumnType]dataset.Kind{
	pipeline.Integer: dataset.Integer, pipeline.Decimal: dataset.Decimal, pipeline.Boolean: dataset.Boolean, pipeline.Category: dataset.Text,
}

// Every column that a view names is in its feed, of its type and within its bounds; and the feeds are about the applicants of both pipelines.
func TestViewsFitTheirFeeds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"loan-eligibility.yaml", "card-limit.yaml"} {
		data, err := pipelines.FS.ReadFile(name)
		require.NoError(t, err)
		spec, err := pipeline.Parse(name, data)
		require.NoError(t, err)
		for _, v := range views(t) {
			want := *spec.Source.Simulate
			want.Product = ""
			require.Equal(t, want, v.Source.Simulate.Simulate, "%s of %s", v.Name, name)
		}
	}
	for _, v := range views(t) {
		feed, err := simulate.Feed(v.Source.Simulate.Feed, v.Source.Simulate.Simulate, time.Time{})
		require.NoError(t, err)
		columns := v.Columns
		for _, f := range v.Features {
			require.NotEmpty(t, f.Reason, f.Name)
			require.NotEmpty(t, f.Description, f.Name)
			if f.Aggregate == "" {
				columns = append(columns, pipeline.Column{Name: f.Name, Type: f.Type, Min: f.Min, Max: f.Max, Domain: f.Domain})
			}
		}
		require.NotNil(t, feed.Column(simulate.Applicant))
		require.Equal(t, dataset.Timestamp, feed.Column(v.EventTimestamp).Kind)
		require.Equal(t, dataset.Timestamp, feed.Column(v.CreatedTimestamp).Kind)
		named := map[string]bool{simulate.Applicant: true, v.EventTimestamp: true, v.CreatedTimestamp: true, v.ID: true}
		for _, column := range columns {
			in := feed.Column(column.Name)
			require.NotNil(t, in, column.Name)
			require.Equal(t, kinds[column.Type], in.Kind, column.Name)
			named[column.Name] = true
			for i := range feed.Rows() {
				switch {
				case in.Missing(i):
				case in.Kind == dataset.Text:
					require.Contains(t, column.Domain, in.Texts[i])
				case column.Min != nil:
					require.True(t, *column.Min <= in.Floats[i] && in.Floats[i] <= *column.Max, "%s is %v", column.Name, in.Floats[i])
				}
			}
		}
		for i := range feed.Columns {
			require.True(t, named[feed.Columns[i].Name], "%s is in the feed and of no use", feed.Columns[i].Name)
		}
	}
}
