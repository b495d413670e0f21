package feature_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// register is a register in memory.
type register struct {
	t    require.TestingT
	rows []feature.Registered
}

func (r *register) catalogue() *feature.Catalogue {
	c, err := feature.NewCatalogue(r.rows)
	require.NoError(r.t, err)
	return c
}

func (r *register) add(plan *feature.Plan) {
	for _, row := range plan.Rows("ada") {
		row.Nth = int64(len(r.rows) + 1)
		r.rows = append(r.rows, row)
	}
}

// plan is what an apply of a file would do.
func (r *register) plan(text string, stage bool) (*feature.Plan, error) {
	c := r.catalogue()
	folder, err := feature.Read([]feature.File{{Name: "f.yaml", Data: []byte(text)}}, c)
	if err != nil {
		return nil, err
	}
	return c.Plan(folder.Definitions, stage)
}

// apply does it, and returns what it did: "view bureau@2 changed active: words", nothing of what is unchanged.
func (r *register) apply(text string, stage bool) []string {
	plan, err := r.plan(text, stage)
	require.NoError(r.t, err)
	r.add(plan)
	return done(plan)
}

func done(plan *feature.Plan) []string {
	lines := []string{}
	for _, c := range plan.Changes {
		if c.Do != feature.Unchanged {
			line := fmt.Sprintf("%s %s@%d %s %s", c.Kind, c.Name, c.Version, c.Do, c.Stage)
			if len(c.What) > 0 {
				line += ": " + strings.Join(c.What, "; ")
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAnApplyIsDoneOnce(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	require.Equal(t, []string{
		"entity applicant@1 new active", "view bureau@1 new active", "view payments@1 new active", "view visits@1 new active", "view both@1 new active",
		"expression strain_per_income@1 new active", "expression payment_to_income@1 new active", "service credit@1 new active",
	}, r.apply(bureau, false))
	require.Empty(t, r.apply(bureau, false), "again, nothing changes")
	require.Empty(t, r.apply(bureau, true))
	require.Equal(t, "ada", r.rows[0].Actor)
	require.Equal(t, "new", r.rows[0].What)
}

// What is meaning and what is description is the table of the package's documentation of Meaning.
func TestAChangedMeaningIsANewVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, now string
		want     []string
	}{
		{"a person who applies", "somebody who applies", []string{"entity applicant@1 described active: description a person who applies -> somebody who applies"}},
		{"owner: risk-data, tags: [person]", "tags: [person, key]", []string{"entity applicant@1 described active: owner is gone: risk-data; tags [person] -> [person, key]"}},
		{"reason: credit bureau score too low", "reason: too low", []string{"view bureau@1 described active: features[bureau_score].reason credit bureau score too low -> too low"}},
		{"default: 600}\n      - {name: segment", "default: 610}\n      - {name: segment", []string{"view bureau@1 described active: features[bureau_score].default 600 -> 610"}},
		{"freshness: 24h", "freshness: 36h", []string{"view bureau@1 described active: freshness 1d -> 36h"}},
		{"unit: ratio", "unit: share", []string{"expression strain_per_income@2 changed active: version 1 -> 2; unit ratio -> share"}},
		{"owner: risk-data}\n", "owner: me}\n", []string{"service credit@1 described active: owner risk-data -> me"}},
		{"payments:late_90d,", "payments:paid_30d,", []string{"service credit@2 changed active: version 1 -> 2; features [bureau, payments:late_90d, strain_per_income] -> [bureau, payments:paid_30d, strain_per_income]"}},
		{"expression: strain / annual_income", "expression: strain / income", []string{"expression strain_per_income@2 changed active: version 1 -> 2; expression strain / annual_income -> strain / income"}},
		// another version of what SQL reads makes another version of it
		{"max: 850", "max: 900", []string{
			"view bureau@2 changed active: version 1 -> 2; features[bureau_score].max 850 -> 900", "view both@2 changed active: version 1 -> 2; sql.from [bureau@1, payments@1] -> [bureau@2, payments@1]",
		}},
		{"type: category, domain: [near_prime, prime], default: prime", "type: category, default: prime", []string{
			"view bureau@2 changed active: version 1 -> 2; features[segment].domain is gone: [near_prime, prime]", "view both@2 changed active: version 1 -> 2; sql.from [bureau@1, payments@1] -> [bureau@2, payments@1]",
		}},
		{"unit: points", "unit: point", []string{
			"view bureau@2 changed active: version 1 -> 2; features[bureau_score].unit points -> point", "view both@2 changed active: version 1 -> 2; sql.from [bureau@1, payments@1] -> [bureau@2, payments@1]",
		}},
		{"features: [{name: channel, type: category}]", "features: [{name: channel, type: category}]\n    ttl: 2d", []string{"view visits@2 changed active: version 1 -> 2; ttl is new: 2d"}},
		{"query: SELECT 1", "query: SELECT 2", []string{"view both@2 changed active: version 1 -> 2; sql.query SELECT 1 -> SELECT 2"}},
		// the same, written in another way
		{"freshness: 24h", "freshness: 1d", []string{}},
		{"types: {reported_at: date}", "types: {received_at: timestamp, reported_at: date}", []string{}},
		{"max_share: 0.01", "max_share: 1.0e-2", []string{}},
		{"from: [bureau, payments]", "from: [bureau@1, payments]", []string{}},
		{"default: 600}\n      - {name: segment", "default: 6.0e+2}\n      - {name: segment", []string{}},
	} {
		r := &register{t: t}
		r.apply(bureau, false)
		require.NotEqual(t, bureau, with(c.old, c.now), c.old)
		require.Equal(t, c.want, r.apply(with(c.old, c.now), false), c.now)
		require.Empty(t, r.apply(with(c.old, c.now), false))
	}
}

// A file can have views in any order.
func TestAViewInSQLMayStandBeforeWhatItReads(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	text := `entities: [{name: e, keys: [k]}]
views:
  - {name: a, entity: e, sql: {dialect: duckdb, from: [b], query: SELECT 1}, features: [{name: x, type: number}]}
  - {name: b, entity: e, sql: {dialect: duckdb, from: [c], query: SELECT 1}, features: [{name: y, type: number}]}
  - {name: c, entity: e, events: true, features: [{name: z, type: number}]}
`
	require.Len(t, r.apply(text, false), 4)
	require.Equal(t, []string{"b@1"}, r.catalogue().Versions(feature.KindView, "a")[0].View.SQL.From)
	require.Empty(t, r.apply(text, false))
	require.Equal(t, []string{
		"view c@2 changed active: version 1 -> 2; features[z].type number -> integer", "view b@2 changed active: version 1 -> 2; sql.from [c@1] -> [c@2]", "view a@2 changed active: version 1 -> 2; sql.from [b@1] -> [b@2]",
	}, r.apply(strings.Replace(text, "z, type: number", "z, type: integer", 1), false))
}

// Each key of an entity is a key of its views, whose rows are others then.
func TestOtherKeysAreOtherViews(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	did := r.apply(strings.Replace(bureau, "keys: [applicant_id]", "keys: [applicant_id, branch]", 1), false)
	require.Contains(t, did, "entity applicant@2 changed active: version 1 -> 2; keys [applicant_id] -> [applicant_id, branch]")
	require.Contains(t, did, "view visits@2 changed active: version 1 -> 2; keys [applicant_id] -> [applicant_id, branch]")
	require.Equal(t, []string{"applicant_id"}, r.catalogue().Versions(feature.KindView, "visits")[0].View.Keys)
}

func TestStagedVersionsAreThereAndNotMeant(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	next := with("max: 850", "max: 900")
	require.Equal(t, []string{
		"view bureau@2 changed staged: version 1 -> 2; features[bureau_score].max 850 -> 900", "view both@2 changed staged: version 1 -> 2; sql.from [bureau@1, payments@1] -> [bureau@2, payments@1]",
	}, r.apply(next, true))
	require.Empty(t, r.apply(next, true), "staged twice is staged")
	require.Equal(t, 1, r.catalogue().Active(feature.KindView, "bureau"))
	require.Equal(t, []string{"view bureau@2 described staged: description what the credit bureau reports -> x"}, r.apply(strings.Replace(next, "what the credit bureau reports", "x", 1), true))
	require.Empty(t, r.apply(bureau, false), "what is active stays so")

	require.Equal(t, []string{"view bureau@2 activated active: version 1 -> 2; description x -> what the credit bureau reports", "view both@2 activated active: version 1 -> 2"}, r.apply(next, false))
	require.Equal(t, 2, r.catalogue().Active(feature.KindView, "bureau"))
	require.Empty(t, r.apply(bureau, true), "what was active once is there")
	require.Equal(t, 2, r.catalogue().Active(feature.KindView, "bureau"))
	require.Equal(t, []string{"view bureau@1 described staged: description what the credit bureau reports -> x"}, r.apply(with("what the credit bureau reports", "x"), true))
	require.Equal(t, 2, r.catalogue().Active(feature.KindView, "bureau"), "a new description of what was active once makes it no more than that")
	require.Equal(t, []string{"view bureau@1 activated active: version 2 -> 1; description x -> what the credit bureau reports", "view both@1 activated active: version 2 -> 1"}, r.apply(bureau, false), "and back")
	require.Equal(t, []string{"view bureau@3 changed active: version 1 -> 3; features[bureau_score].max 850 -> 950"}, r.apply(with("max: 850", "max: 950"), false)[:1])
}

const reader = `views:
  - {name: seen, entity: applicant, events: true, features: [{name: seen_at, type: number}]}
  - {name: sums, entity: applicant, sql: {dialect: duckdb, from: [bureau], query: SELECT 1}, features: [{name: total, type: number}]}
expressions: [{name: share, expression: bureau_score / total, features: [bureau:bureau_score, sums:total], type: number}]
services: [{name: mine, features: [bureau:bureau_score, share]}]
`

// Two folders can share a register: each leaves what the other declares.
func TestAFolderLeavesWhatItDoesNotDeclare(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	_, err := r.plan(reader, false)
	require.ErrorContains(t, err, `f.yaml:2:26: there is no entity "applicant"; declare it under entities`)
	r.apply(bureau, false)
	plan, err := r.plan(reader, false)
	require.NoError(t, err)
	require.Equal(t, []string{
		"entity applicant", "view both", "view bureau", "view payments", "view visits", "expression payment_to_income", "expression strain_per_income", "service credit",
	}, plan.Left)
	require.EqualValues(t, len(r.rows), plan.After)
	r.add(plan)
	require.Equal(t, []string{"applicant_id"}, r.catalogue().Versions(feature.KindView, "seen")[0].View.Keys)

	did := r.apply(with("max: 850", "max: 900"), false)
	require.Len(t, did, 2, "bureau and both: %s", did)
	require.Equal(t, []string{"bureau@1"}, r.catalogue().Versions(feature.KindView, "sums")[0].View.SQL.From, "what another folder's view reads stays until that is applied")
	require.Equal(t, []string{"view sums@2 changed active: version 1 -> 2; sql.from [bureau@1] -> [bureau@2]"}, r.apply(reader, false))

	_, err = r.plan("views: [{name: mine, entity: applicant, events: true, features: [{name: x, type: number}]}]", false)
	require.EqualError(t, err, `f.yaml:1:16: "mine" is registered as a service; views, expressions and services have one name space: give another name`)
}

func TestNothingThatWorksIsBroken(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	r.apply(strings.Replace(reader, "[bureau:bureau_score, share]", "[share]", 1), false) // a version of mine that nobody uses any more
	r.apply(reader, false)
	without := strings.Replace(with("features: [bureau, payments:late_90d, strain_per_income]", "features: [payments]"), "name: bureau_score", "name: score", 1)
	without = strings.NewReplacer("of: bureau_score", "of: score", "bureau_score > 0", "score > 0").Replace(without)
	_, err := r.plan(without, false)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.EqualError(t, err, `what is registered, or is put to use, would not work:
expression share@1: view bureau@2 has no feature "bureau_score"; known are score, segment, worst_score_90d
service mine@2: view bureau@2 has no feature "bureau_score"; known are score, segment, worst_score_90d
give it what it names, change it with this, stage what changes (--stage), or retire it first`)
	_, err = r.plan(without, true)
	require.NoError(t, err, "what is staged breaks nothing")

	_, err = r.plan(strings.NewReplacer("type: integer, min: 300, max: 850", "type: category", "default: 600}\n      - {name: segment", "default: a}\n      - {name: segment",
		"aggregate: min, of: bureau_score, over: 90d, default: 600", "aggregate: count, over: 90d", "bureau_score > 0", `bureau_score != "b"`).Replace(bureau), false)
	require.ErrorContains(t, err, "expression share@1: 1:1: the left side of / is a text, and a number is wanted")
}

// What is put to use works: with some of a folder staged, what needs that is staged as well; and what would never work is refused.
func TestWhatIsPutToUseWorks(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	const views = "views: [{name: visits, entity: applicant, events: true, features: [{name: channel, type: category}, {name: stay, type: number}]}]\n"
	const folder = views + `expressions: [{name: long, expression: stay > 60, features: [visits:stay], type: boolean}]
services:
  - {name: credit, features: [visits:stay]}
  - {name: fresh, features: [long]}
  - {name: old, features: [visits:channel]}
`
	c := r.catalogue()
	read, err := feature.Read([]feature.File{{Name: "f.yaml", Data: []byte(folder)}}, c)
	require.NoError(t, err)
	staging := func(staged string) []string {
		plan, err := c.PlanEach(read.Definitions, func(_ feature.Kind, name string) bool { return name == staged })
		require.NoError(t, err)
		var stages []string
		for _, change := range plan.Changes {
			stages = append(stages, fmt.Sprintf("%s@%d %s", change.Name, change.Version, change.Stage))
		}
		after, err := c.After(plan)
		require.NoError(t, err)
		for _, name := range append(after.Names(feature.KindService), after.Names(feature.KindExpression)...) {
			if after.Active(feature.KindService, name)+after.Active(feature.KindExpression, name) > 0 {
				_, err := after.Resolve([]string{name})
				require.NoError(t, err)
			}
		}
		return stages
	}
	require.Equal(t, []string{"visits@2 staged", "long@1 staged", "credit@2 staged", "fresh@1 staged", "old@1 active"}, staging("visits"))
	require.Equal(t, []string{"visits@2 active", "long@1 staged", "credit@2 active", "fresh@1 staged", "old@1 active"}, staging("long"))
	require.Equal(t, []string{"visits@2 active", "long@1 active", "credit@2 active", "fresh@1 active", "old@1 active"}, staging("nothing"))

	read, err = feature.Read([]feature.File{{Name: "f.yaml", Data: []byte("entities: [{name: branch, keys: [branch]}]\n" + strings.ReplaceAll(strings.Replace(folder, "applicant", "branch", 1), "visits", "calls"))}}, c)
	require.NoError(t, err)
	require.Equal(t, []string{"branch@1 staged", "calls@1 staged", "long@1 staged", "credit@2 staged", "fresh@1 staged", "old@1 staged"}, staging("branch"), "what needs what is staged with it as well")

	r.apply(strings.Replace(views, "stay, type: number", "stay, type: category", 1), true) // visits@2, of another type than long reads
	_, err = r.plan(strings.Replace(folder, "features: [long]", "features: [visits@2:stay, long]", 1), false)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "would not work:\nexpression long@1: ")
}

func TestRetiring(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	r.apply(with("max: 850", "max: 900"), true) // bureau@2 and both@2, staged
	for text, want := range map[string]string{
		"bureau":      "view both@1: view bureau@1 is retired",
		"bureau@2":    "view both@2: view bureau@2 is retired; there is bureau@1",
		"applicant":   "view bureau@1: there is no active entity applicant",
		"both":        "expression strain_per_income@1: view \"both\" has no active version; all of its versions are retired",
		"bureu":       `there is no view or expression or service or entity "bureu"; did you mean "bureau"?`,
		"bureau@7":    `view "bureau" has no version 7; there is bureau@1, bureau@2`,
		"bureau:x":    `"bureau:x" is a feature; what is retired is a view`,
		"Bureau":      `"Bureau" is no reference`,
		"both@1:":     `is no reference`,
		"applicant@2": `entity "applicant" has no version 2; there is applicant@1`,
	} {
		_, err := r.catalogue().Retire(text, "")
		require.ErrorContains(t, err, want, text)
	}
	_, err := r.catalogue().Retire("both@1", "")
	require.ErrorContains(t, err, "has no active version; there is both@2\nretire it first, or let it name something else", "and not what whoever applies could do")
	require.NotContains(t, err.Error(), "--stage")
	retire := func(text string, want ...string) {
		plan, err := r.catalogue().Retire(text, "")
		require.NoError(t, err)
		require.Equal(t, want, done(plan))
		r.add(plan)
	}
	retire("credit", "service credit@1 retired retired")
	retire("strain_per_income@1", "expression strain_per_income@1 retired retired")
	retire("both", "view both@1 retired retired", "view both@2 retired retired")
	retire("bureau@2", "view bureau@2 retired retired")
	_, err = r.catalogue().Retire("both", "")
	require.EqualError(t, err, "view \"both\" has no active version; all of its versions are retired")
	require.Equal(t, 1, r.catalogue().Active(feature.KindView, "bureau"))
	retire("bureau", "view bureau@1 retired retired")
	require.Zero(t, r.catalogue().Active(feature.KindView, "bureau"))

	plan, err := r.plan("views: [{name: other, entity: applicant, sql: {dialect: duckdb, from: [bureau], query: SELECT 1}, features: [{name: x, type: number}]}]", false)
	require.Nil(t, plan)
	require.ErrorContains(t, err, `view "bureau" has no active version; all of its versions are retired`)
	did := r.apply(with("max: 850", "max: 900"), true)
	require.Contains(t, did, "view bureau@2 staged staged")
	did = r.apply(bureau, false)
	require.Contains(t, did, "view bureau@1 activated active")
	require.Contains(t, did, "service credit@1 activated active")
}

// A name that is retired may be given to another kind, and then means that.
func TestARetiredNameIsFreeForAnotherKind(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply("entities: [{name: person, keys: [id]}]\nviews: [{name: visits, entity: person, events: true, features: [{name: minutes, type: number}]}]", false)
	plan, err := r.catalogue().Retire("visits", "")
	require.NoError(t, err)
	r.add(plan)
	r.apply("expressions: [{name: visits, expression: a + b, type: number}]", false)
	resolved, err := r.catalogue().Resolve([]string{"visits"})
	require.NoError(t, err)
	require.Equal(t, []string{"visits"}, resolved.Names)
	require.Len(t, resolved.Expressions, 1)
}

// Whatever order of applies and stagings: versions are numbered without gaps, a version keeps its meaning, what was applied is what its name means, what was
// staged is there, and applying twice is applying once.
func TestAnyOrderOfAppliesKeepsVersions(t *testing.T) {
	t.Parallel()
	const folder = `entities: [{name: e, keys: [k], description: one}]
views:
  - {name: a, entity: e, events: true, ttl: 3d, freshness: 1h, features: [{name: x, type: number, max: 8}]}
  - {name: b, entity: e, sql: {dialect: duckdb, from: [a], query: SELECT 1}, features: [{name: y, type: number}]}
`
	changes := [][2]string{{"max: 8", "max: 9"}, {"description: one", "description: two"}, {"ttl: 3d", "ttl: 4d"}, {"SELECT 1", "SELECT 2"}, {"freshness: 1h", "freshness: 2h"}}
	rapid.Check(t, func(rt *rapid.T) {
		r := &register{t: rt}
		for range rapid.IntRange(1, 5).Draw(rt, "applies") {
			text := folder
			for _, c := range changes {
				if rapid.Bool().Draw(rt, c[0]) {
					text = strings.Replace(text, c[0], c[1], 1)
				}
			}
			stage := rapid.Bool().Draw(rt, "stage")
			active := r.catalogue().Active(feature.KindView, "a")
			r.apply(text, stage)
			if stage {
				require.Equal(rt, active, r.catalogue().Active(feature.KindView, "a"))
			}
			require.Empty(rt, r.apply(text, stage))
			if !stage {
				folder, _, err := feature.Parse("f.yaml", []byte(text))
				require.NoError(rt, err)
				meant, err := r.catalogue().View("a")
				require.NoError(rt, err)
				require.Equal(rt, feature.Meaning(&folder.Views[0]), meant.Meaning)
				require.Equal(rt, meant.Version, r.catalogue().Active(feature.KindView, "a"))
			}
		}
		meanings := map[string]string{}
		next := map[string]int{}
		for _, row := range r.rows {
			name := fmt.Sprintf("%s %s", row.Kind, row.Name)
			version := fmt.Sprintf("%s@%d", name, row.Version)
			if meanings[version] == "" {
				next[name]++
				require.Equal(rt, next[name], row.Version)
				meanings[version] = row.Meaning
			}
			require.Equal(rt, meanings[version], row.Meaning)
		}
	})
}

// A digest that changes makes a new version of every such definition of everybody who updates the program: a new field is left out of the JSON where it says
// nothing. The digests are those of the day on which this was written.
func TestMeaningsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	d, _, err := feature.Parse("f.yaml", []byte(bureau))
	require.NoError(t, err)
	got := map[string]string{"applicant": feature.Meaning(&d.Entities[0])[:12], "strain_per_income": feature.Meaning(&d.Expressions[0])[:12], "credit": feature.Meaning(&d.Services[0])[:12]}
	for i := range d.Views {
		got[d.Views[i].Name] = feature.Meaning(&d.Views[i])[:12]
	}
	require.Equal(t, map[string]string{
		"applicant": "507f39b0d1b1", "bureau": "66c038290b1f", "payments": "a402a46b22a1", "visits": "b45194f8b738", "both": "478cebc7c712",
		"strain_per_income": "375ffd430ba1", "credit": "b72b56e74dce",
	}, got)
}
