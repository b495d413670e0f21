package lineage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/lineage"
)

// Wanted by hand.
func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, a, b string
		want       []lineage.Difference
	}{
		{"the same in another order", `{"a":1,"b":[true,"x"]}`, `{"b":[true,"x"],"a":1}`, []lineage.Difference{}},
		{"null is nothing", `{"a":null}`, `{}`, []lineage.Difference{}},
		{"a value", `{"split":{"train":0.6,"by":"time"}}`, `{"split":{"train":0.7,"by":"time"}}`, []lineage.Difference{{"split.train", "0.6", "0.7"}}},
		{"only in one", `{"l2":0.1}`, `{"trials":[{"l2":1}]}`, []lineage.Difference{{"l2", "0.1", ""}, {"trials[0].l2", "", "1"}}},
		{"elements by their names", `{"columns":[{"name":"dti","max":5},{"name":"age"}]}`, `{"columns":[{"name":"age"},{"name":"dti","max":6}]}`,
			[]lineage.Difference{{"columns[dti].max", "5", "6"}}},
		{"another type", `{"a":1}`, `{"a":"1"}`, []lineage.Difference{{"a", "1", `"1"`}}},
		{"no JSON", ``, `{"a":1}`, []lineage.Difference{{"", `""`, ""}, {"a", "", "1"}}},
	} {
		require.Equal(t, test.want, lineage.Differences([]byte(test.a), []byte(test.b)), test.name)
	}
}
