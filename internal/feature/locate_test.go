package feature_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
)

func TestPathsAreRelativeToTheFolder(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{csv: {uri: a/*.csv, delimiter: ;}}": "/data/features/a/*.csv",
		"{parquet: {uri: ../rows}}":           "/data/rows",
		"{jsonl: {uri: rows.txt}}":            "/data/features/rows.txt",
		"{uri: rows.csv}":                     "/data/features/rows.csv",
		"{uri: /rows.csv}":                    "/rows.csv",
		"{uri: s3://bucket/rows/}":            "s3://bucket/rows/",
	} {
		text := fmt.Sprintf("entities: [{name: e, keys: [k]}]\nviews: [{name: v, entity: e, source: %s, event_timestamp: a, created_timestamp: a, features: [{name: x, type: number}]}]", source)
		d, _, err := feature.Parse("f.yaml", []byte(text))
		require.NoError(t, err, source)
		d.Locate("/data/features")
		require.Equal(t, want, d.Views[0].Source.FilesURI(), source)
		if csv := d.Views[0].Source.CSV; csv != nil {
			require.Equal(t, ";", csv.Delimiter)
		}
	}
	d, _, err := feature.Parse("f.yaml", []byte(bureau))
	require.NoError(t, err)
	before := feature.Meaning(&d.Views[1])
	d.Locate("/data")
	require.Equal(t, before, feature.Meaning(&d.Views[1]), "a simulated feed has no path")
}
