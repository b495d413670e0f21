package ci

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// smallFeatures has a view with features of three kinds: with a default, without one, and one that an expression alone reads; and a view in SQL of its rows.
const smallFeatures = `entities:
  - {name: household, keys: [household]}
views:
  - name: homes
    entity: household
    source: {csv: {uri: ../sample/homes.csv}}
    event_timestamp: seen_at
    created_timestamp: known_at
    features:
      - {name: value, type: number, min: 0, max: 1000000, default: 1000, reason: the home is worth too little}
      - {name: storeys, type: integer, min: 1, max: 9}
      - {name: rooms, type: integer, min: 1, max: 20, default: 2}
  - name: towns
    entity: household
    sql: {dialect: duckdb, from: [homes], query: "SELECT * FROM homes"}
    features: [{name: town, type: category, domain: [large, small]}]
expressions:
  - {name: fee_per_room, expression: fee / rooms, features: ["homes:rooms"], type: number, min: 0, reason: fee too high}
services:
  - {name: small, features: ["homes:value", "homes:storeys", towns, fee_per_room]}
`

// homes is the spec that asks for them.
const homes = "name: small-loans\nignore: [household]\nfeatures: [small]\ntime: day\n"

// featured is a tree with definitions and a spec that asks for some: replaced in the files by pairs, first of the spec's texts, then of the definitions'.
func featured(t testing.TB, spec []string, definitions ...string) *Tree {
	replace := func(text string, pairs []string) string {
		for i := 0; i < len(pairs); i += 2 {
			require.Contains(t, text, pairs[i])
		}
		return strings.NewReplacer(pairs...).Replace(text)
	}
	return treeOf(t, "pipeline.yaml", replace(strings.Replace(smallSpec, "name: small-loans\n", homes, 1), spec), "tests/features.yaml", smallTests, "sample/applications.csv", "id,income\n",
		"features/homes.yaml", replace(smallFeatures, definitions), "sample/homes.csv", "household,seen_at\n")
}

// refusing is a change of the spec to one that decides nobody without what it asks for, and defaults one of the definitions that lets it.
var (
	refusing = []string{"time: day", "time: day\nfeature_store: {missing: refuse}"}
	defaults = []string{"max: 9}", "max: 9, default: 1}", "domain: [large, small]}", "domain: [large, small], default: small}"}
)

func noQueries(*feature.View, []*feature.View) error { return nil }

func readOver(t testing.TB, tree *Tree, registered *feature.Catalogue) Repository {
	t.Helper()
	r, err := Read(tree, Over{Registered: registered, Keep: kept, Query: noQueries})
	require.NoError(t, err)
	return r
}

func TestFeaturesOfARepository(t *testing.T) {
	t.Parallel()
	var asked []string
	report, r, err := CheckRepository(featured(t, nil), nil, Over{Keep: kept, Query: func(view *feature.View, from []*feature.View) error {
		asked = append(asked, view.Name+" of "+from[0].Name)
		return nil
	}})
	require.NoError(t, err)
	require.Empty(t, report.Reasons)
	require.Equal(t, []string{"towns of homes"}, asked)
	require.Contains(t, report.Log, "feature definitions features/homes.yaml")
	require.Contains(t, strings.Join(report.Log, "\n"), "features are of view homes@1 ")
	require.Equal(t, "kept://sample/homes.csv", r.Definitions.Views[0].Source.FilesURI(), "whoever computes the view has no repository")
	require.Equal(t, map[string]string{"homes": "sample/homes.csv"}, r.ViewRows)
	var names []string
	for _, c := range r.Spec.Looked() {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"value", "storeys", "town", "fee_per_room", "rooms"}, names)
	require.Len(t, r.Lock.Definitions, 5)

	// By the lock the same repository has the same columns, without what is registered and without its definitions being read.
	again, err := Read(featured(t, nil, "views:", "vieuws:"), Over{Lock: r.Lock})
	require.NoError(t, err)
	require.Equal(t, r.Spec.Columns, again.Spec.Columns)
	require.Equal(t, r.Spec.Inputs, again.Spec.Inputs)
	require.Empty(t, again.Definitions.Views)
	byLock, err := Read(featured(t, nil), Over{Lock: r.Lock})
	require.NoError(t, err)
	require.Equal(t, r.ViewRows, byLock.ViewRows)
	require.Equal(t, "small-loans", NameOf(featured(t, nil, "views:", "vieuws:")))
}

// What the repository says lies over what is registered: the same meaning is the same version, another one the next.
func TestARepositoryOverWhatIsRegistered(t *testing.T) {
	t.Parallel()
	first := readOver(t, featured(t, nil), nil)
	empty := &feature.Catalogue{}
	plan, err := empty.Plan(first.Definitions, false)
	require.NoError(t, err)
	registered, err := empty.After(plan)
	require.NoError(t, err)
	same := readOver(t, featured(t, nil), registered)
	require.Equal(t, first.Lock, same.Lock)
	other := readOver(t, featured(t, nil, "max: 20", "max: 30"), registered)
	require.Equal(t, "homes@2:value", other.Spec.Looked()[0].Feature)
	require.NotEqual(t, first.Lock, other.Lock)
	// A repository without definitions uses those of others.
	tree := treeOf(t, "pipeline.yaml", strings.Replace(smallSpec, "name: small-loans\n", homes, 1), "sample/applications.csv", "")
	require.Equal(t, first.Lock, readOver(t, tree, registered).Lock)
	report, _, err := CheckRepository(tree, nil, Over{Keep: kept})
	require.NoError(t, err)
	require.Equal(t, []string{`pipeline.yaml:3:12: there is no view or expression or service "small"; nothing of the kind is declared`}, report.Reasons)
}

// Each mistake is told with the place where it stands, and what would be right.
func TestDefinitionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec, definitions []string
		more              []string // files
		query             error
		want              []string
	}{
		"a feature that is not there":   {spec: []string{"[small]", "[small, homes:valu]"}, want: []string{`pipeline.yaml:3:19: view homes@1 has no feature "valu"; did you mean "value"?`}},
		"a view that is not there":      {spec: []string{"[small]", "[houses]"}, want: []string{`pipeline.yaml:3:12: there is no view or expression or service "houses"; `}},
		"an entity that is not there":   {definitions: []string{"name: homes\n    entity: household", "name: homes\n    entity: houshold"}, want: []string{`features/homes.yaml:5:13: there is no entity "houshold"; did you mean "household"?`}},
		"a key that is no column":       {spec: []string{"ignore: [household]", "ignore: []"}, want: []string{`pipeline.yaml:3:11: view homes is about household by household, and the spec has no column "household"; name it in ignore, or another one in feature_store.keys`}},
		"a key of the store":            {spec: []string{"time: day", "time: day\nfeature_store: {missing: never}"}, want: []string{`pipeline.yaml:5:26: feature_store.missing is "never"; default or refuse is wanted`}},
		"nothing for nobody":            {spec: refusing, want: []string{"pipeline.yaml:5:26: feature_store.missing is refuse, and homes@1:storeys has no default"}},
		"a column of that name":         {spec: []string{"name: term", "name: value"}, want: []string{"value is a column of the spec and a feature of the store"}},
		"a cycle":                       {definitions: []string{"from: [homes]", "from: [towns]"}, want: []string{"features/homes.yaml:15:", "views are made of each other: towns -> towns"}},
		"a wrong type":                  {definitions: []string{"default: 1000", "default: much"}, want: []string{`features/homes.yaml:10:68: default is "much"`}},
		"an unknown key":                {definitions: []string{"entity: household\n    source", "entty: household\n    source"}, want: []string{"features/homes.yaml:5:5: "}},
		"an expression that is none":    {definitions: []string{"expression: fee / rooms", `expression: "fee / / rooms"`}, want: []string{"features/homes.yaml:18:38: in the expression, at 1:7"}},
		"an expression of no column":    {definitions: []string{"expression: fee / rooms", "expression: fees / rooms"}, want: []string{"pipeline.yaml:3:11: the expression of fee_per_room: 1:1: ", "(features/homes.yaml:18:38)"}},
		"an expression of other types":  {spec: []string{"name: fee, type: decimal, min: 0", "name: fee, type: category"}, want: []string{"pipeline.yaml:3:11: the expression of fee_per_room: "}},
		"a rule that is none":           {definitions: []string{"    features:\n      - {name: value", "    rules: [{name: worth, expression: value >}]\n    features:\n      - {name: value"}, want: []string{"features/homes.yaml:9:39: rule worth is no condition over the view's columns: "}},
		"SQL that does not parse":       {query: fault.New(fault.Invalid, `view "towns": its query, line 1, column 8: syntax error`), want: []string{`features/homes.yaml:15:50: view "towns": its query, line 1, column 8: syntax error`}},
		"a place in a query":            {query: fault.Wrap(fault.Invalid, &feature.QueryError{Line: 1, Column: 15, Text: "there is no homes"}, `view "towns": its query`), want: []string{`features/homes.yaml:15:65: the query of view "towns": there is no homes`}},
		"a query without a place":       {query: fault.Wrap(fault.Invalid, &feature.QueryError{Text: "one SELECT is wanted"}, `view "towns": its query`), want: []string{`features/homes.yaml:15:50: the query of view "towns": one SELECT is wanted`}},
		"rows that are not there":       {definitions: []string{"../sample/homes.csv", "../sample/house.csv"}, want: []string{`features/homes.yaml:6:13: "../sample/house.csv" means 0 files of the repository`}},
		"rows of another repository":    {definitions: []string{"../sample/homes.csv", "../../homes.csv"}, want: []string{`features/homes.yaml:6:13: "../../homes.csv" leads out of the repository`}},
		"two folders":                   {more: []string{"ci.yaml", "features: [features/*.yaml, sample/*.yaml]\n", "sample/more.yaml", "entities: []\n"}, want: []string{"sample/more.yaml:1:1: feature definitions lie in one folder"}},
		"no definitions where ci.yaml":  {more: []string{"ci.yaml", "features: [defs/*.yaml]\n"}, want: []string{`ci.yaml:1:12: there is no "defs/*.yaml"; files with feature definitions are wanted`}},
		"rows of no view":               {more: []string{"ci.yaml", "views: {houses: sample/homes.csv}\n"}, want: []string{`ci.yaml:1:17: no feature of the spec is of a view "houses"; leave it out`}},
		"rows that ci.yaml has not":     {more: []string{"ci.yaml", "views: {homes: sample/home.csv}\n"}, want: []string{`ci.yaml:1:16: "sample/home.csv" means 0 files of the repository`}},
		"a case of no column":           {more: []string{"tests/store.yaml", "- {name: a, row: {stories: 2}, expect: {storeys: {clean: 2}}}\n"}, want: []string{`tests/store.yaml:1:28: the spec has no column "stories"; did you mean "storeys"?`}},
		"a case with what is computed":  {more: []string{"tests/store.yaml", "- {name: a, row: {fee_per_room: 2}, expect: {storeys: {clean: 2}}}\n"}, want: []string{"tests/store.yaml:1:33: fee_per_room is computed; give what it is computed of, and expect fee_per_room"}},
		"a case beyond what there is":   {more: []string{"tests/store.yaml", "- {name: a, row: {storeys: 12}, expect: {storeys: {clean: 2}}}\n"}, want: []string{"tests/store.yaml:1:28: storeys is a feature of homes@1:storeys, which cannot be that: "}},
		"a case of a client's feature":  {more: []string{"tests/store.yaml", "- {name: a, row: {storeys: 2}, refused: storeys}\n"}, want: []string{"tests/store.yaml:1:41: no request is refused for storeys: nobody sends it, and feature_store.missing is not refuse"}},
		"a mistake of each of its sort": {definitions: []string{"max: 9}", "max: 0}", "from: [homes]", "from: [home]"}, want: []string{"features/homes.yaml:11:", "features/homes.yaml:15:"}},
	} {
		tree := featured(t, test.spec, test.definitions...)
		for i := 0; i < len(test.more); i += 2 {
			require.NoError(t, tree.Add(test.more[i], File{Data: []byte(test.more[i+1])}))
		}
		report, _, err := CheckRepository(tree, nil, Over{Keep: kept, Query: func(*feature.View, []*feature.View) error { return test.query }})
		require.NoError(t, err, name)
		require.Equal(t, Refused, report.Status, name)
		for _, want := range test.want {
			require.Contains(t, strings.Join(report.Reasons, "\n"), want, name)
		}
	}
}

// What cannot be looked at is no refusal of the commit.
func TestAStoreThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]Over{
		"files":   {Keep: func(string) (string, error) { return "", errors.New("down") }, Query: noQueries},
		"queries": {Keep: kept, Query: func(*feature.View, []*feature.View) error { return fault.New(fault.Unavailable, "down") }},
	} {
		_, _, err := CheckRepository(featured(t, nil), nil, over)
		require.ErrorContains(t, err, "down", name)
	}
}

// A challenger that refuses applications of which nothing is known breaks what the champion took; that is told where the spec says so.
func TestFeaturesThatBreakTheContract(t *testing.T) {
	t.Parallel()
	champion := request.Of(readOver(t, featured(t, nil, defaults...), nil).Spec)
	report, _, err := CheckRepository(featured(t, refusing, defaults...), &champion, Over{Keep: kept})
	require.NoError(t, err)
	require.Len(t, report.Reasons, 4, "each feature")
	require.Contains(t, report.Reasons[0], `pipeline.yaml:5:16: field "value" is refused where the feature store does not know it, and was not: `)
	report, _, err = CheckRepository(featured(t, nil, defaults...), &champion, Over{Keep: kept})
	require.NoError(t, err)
	require.Empty(t, report.Reasons)
}

// Cases with values of the store. The wanted numbers are by hand: a training of value 0 and 1000000 has mean and deviation 500000; of storeys 1 and 9 the mean 5, the deviation 4.
func TestFeatureCasesWithTheStore(t *testing.T) {
	t.Parallel()
	run := func(inside string, changes ...[]string) Report {
		changes = append(changes, nil, nil)
		r := readOver(t, featured(t, changes[0], changes[1]...), nil)
		file, err := readFeatures("tests/a.yaml", []byte("- {name: case, "+inside+"}\n"), r.Spec)
		require.NoError(t, err, inside)
		r.TestFiles = []FeatureFile{file}
		d := decider(t, r.Spec)
		return CheckFeatures(r, d.Model.Encoder, d.Model.Contract)
	}
	for _, inside := range []string{
		`row: {value: 1000000}, expect: {value: 1}`,
		`row: {}, expect: {value: {clean: 1000}}`,
		`row: {value: null}, expect: {value: {clean: 1000}}`,
		`row: {storeys: 9}, expect: {storeys: 1, "storeys:missing": 0}`,
		`row: {}, expect: {storeys: {clean: null}, "storeys:missing": 1}`,
		`row: {town: large}, expect: {town=large: 1, town=small: 0}`,
		`row: {fee: 12, rooms: 4}, expect: {fee_per_room: {clean: 3}}`,
		`row: {fee: 12}, expect: {fee_per_room: {clean: 6}, rooms: {clean: 2}}`,
	} {
		require.Empty(t, run(inside).Reasons, inside)
	}
	for inside, says := range map[string]string{
		`row: {value: 0}, expect: {value: 1}`:                          "value is -1, wanted 1",
		`row: {}, expect: {storeys: {clean: 1}}`:                       "storeys is missing after cleaning, wanted 1",
		`row: {fee: 12, rooms: 4}, expect: {fee_per_room: {clean: 6}}`: "fee_per_room is 3 after cleaning, wanted 6",
		`row: {rooms: 4}, expect: {fee_per_room: {clean: 6}}`:          `the row is refused for "fee": `,
		`row: {rooms: 4}, expect: {rooms: 1}`:                          `the model does not read "rooms"`,
	} {
		report := run(inside)
		require.Equal(t, Refused, report.Status, inside)
		require.Contains(t, report.Reasons[0], says, inside)
	}
	require.Empty(t, run(`row: {}, refused: storeys`, refusing, defaults).Reasons)
	require.Contains(t, run(`row: {}, expect: {value: {clean: 1000}}`, refusing, defaults).Reasons[0], `the row is refused for "value": the case gives no value of it`)
	require.Contains(t, run(`row: {storeys: 2}, refused: storeys`, refusing, defaults).Reasons[0], `the row is not refused for "storeys"`)
}

// Whatever the store says, or does not, an application has a score: a definition that leads to none is found.
func TestPredictionsWithTheStore(t *testing.T) {
	t.Parallel()
	r := readOver(t, featured(t, nil), nil)
	d := decider(t, r.Spec)
	report := CheckPredictions(r, d, Options{Rows: 200})
	require.Empty(t, report.Reasons)
	require.Contains(t, report.Summary, "applications of 11 fields", "seven that are sent, four that are looked up")
	require.Contains(t, strings.Join(report.Log, "\n"), "storeys: ")
	p := newPredictions(&r, d, 0)
	p.report(200)
	looked := map[string]int{} // how many applications have the feature, and how many have not
	for _, a := range p.kept {
		for i := p.sends; i < len(a); i++ {
			state := " unknown"
			if a[i].raw != "" && a[i].raw != "null" {
				state = " known"
			}
			looked[p.fields[i].Name+state]++
		}
	}
	for _, name := range []string{"value", "storeys", "town", "rooms"} {
		require.NotZero(t, looked[name+" known"], name)
		require.NotZero(t, looked[name+" unknown"], name)
	}

	// What is wrong with a value of the store alone is told of that feature alone.
	p = newPredictions(&r, d, 0)
	at := slices.IndexFunc(d.Model.Encoder.Fields, func(f transform.Field) bool { return f.Name == "storeys" })
	p.ask = func(row []transform.Value) (decision.Decision, error) {
		if row[at].Number > 8 {
			return decision.Decision{Probability: math.NaN()}, nil
		}
		return d.Decide(row)
	}
	report = p.report(50)
	require.Equal(t, Refused, report.Status)
	require.Equal(t, []string{"an application that is ordinary but for storeys 9 (its max) has no finite score: it is NaN; a number from 0 to 1 is wanted"}, report.Reasons)
}
