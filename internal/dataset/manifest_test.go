package dataset_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// A manifest's bytes are a dataset's identity: those of rows that no view was joined to are what they were before there were views. Wanted by hand.
func TestManifestNamesViewsOnlyWhereThereAreSome(t *testing.T) {
	t.Parallel()
	m := dataset.Manifest{Schema: 2, Columns: []dataset.Field{{Name: "income", Kind: dataset.Float}}, Rows: 7, Parts: []dataset.Part{{SHA256: "ab", Bytes: 9, Rows: 7}}}
	const plain = `{"schema":2,"columns":[{"name":"income","kind":"number"}],"rows":7,"parts":[{"sha256":"ab","bytes":9,"rows":7}]`
	for _, test := range []struct {
		views []dataset.View
		want  string
	}{
		{nil, plain + `}`},
		{[]dataset.View{}, plain + `}`},
		{[]dataset.View{{Name: "payments", Version: 1, Manifest: "cd"}, {Name: "bureau", Version: 3, Manifest: "ef"}},
			plain + `,"views":[{"name":"payments","version":1,"manifest":"cd"},{"name":"bureau","version":3,"manifest":"ef"}]}`},
	} {
		m.Views = test.views
		data, err := m.Encode()
		require.NoError(t, err)
		require.Equal(t, test.want, string(data))
		read, err := dataset.DecodeManifest(data)
		require.NoError(t, err)
		require.ElementsMatch(t, test.views, read.Views)
		require.Equal(t, m.Parts, read.Parts)
	}
	_, err := dataset.DecodeManifest([]byte(`{"columns":[{"name":"income"}],"rows":1,"views":[]}`))
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
