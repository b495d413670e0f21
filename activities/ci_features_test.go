package activities

import (
	"bytes"
	"context"
	"encoding/csv"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/store/featuredb"
)

const withFeatures = "../examples/with-features"

// featured is the shipped repository with the features that lie beside it, as their README tells, with texts replaced in its files.
func featured(t *testing.T, changes ...[3]string) *ci.Tree {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(withFeatures, "README.md"))
	require.NoError(t, err)
	_, block, found := strings.Cut(string(readme), "```yaml\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "```")
	tree := example(t, [3]string{"pipeline.yaml", "schedule: ", block + "schedule: "})
	for _, path := range []string{"features/institutions.yaml", "sample/institutions.csv", "tests/store.yaml"} {
		data, err := os.ReadFile(filepath.Join(withFeatures, path))
		require.NoError(t, err)
		require.NoError(t, tree.Add(path, ci.File{Data: data}))
	}
	for _, change := range changes {
		file, has := tree.File(change[0])
		require.True(t, has || change[1] == "", change[0])
		require.Contains(t, string(file.Data), change[1])
		if change[1] == "" {
			file.Data = []byte(change[2]) // the whole of it
		} else {
			file.Data = []byte(strings.Replace(string(file.Data), change[1], change[2], 1))
		}
		require.NoError(t, tree.Add(change[0], file))
	}
	return tree
}

// featureIntegrations tests commits on a bench with a feature store.
type featureIntegrations struct {
	*integrations
	store   feature.Store
	trigger registry.Trigger // of what is published
}

func newFeatureIntegrations(t *testing.T) *featureIntegrations {
	t.Helper()
	i := &featureIntegrations{integrations: newIntegrations(t), trigger: registry.ByPush}
	var err error
	i.store, err = featuredb.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.store.Close()) })
	i.of.Features, i.of.Desk.Views = i.store, i.tables.Warehouse
	return i
}

type namedTest struct {
	step ci.Step
	test func(context.Context, TestInput) (TestOutput, error)
}

// tests are those of a commit that need no predictor and no commands, in their order.
func (i *featureIntegrations) tests() []namedTest {
	return []namedTest{
		{ci.CheckSpec, i.of.CheckSpec}, {ci.ValidateSample, i.of.ValidateSample}, {ci.TestArtifacts, i.of.TestArtifacts},
		{ci.TestFeatures, i.of.TestFeatures}, {ci.TestPredictions, i.of.TestPredictions}, {ci.TestQuality, i.of.TestQuality},
	}
}

// all takes the tests of a commit up to the first that refuses it.
func (i *featureIntegrations) all(t *testing.T, tree artifact.Ref) (last TestOutput) {
	t.Helper()
	i.made = map[ci.Step]map[string]artifact.Ref{}
	for _, test := range i.tests() {
		if last = i.take(t, tree, test.step, test.test); last.Status != ci.Passed {
			return last
		}
	}
	return last
}

func (i *featureIntegrations) lock(t *testing.T) *artifact.Ref {
	t.Helper()
	ref, has := i.made[ci.CheckSpec][artifact.FeatureLock]
	require.True(t, has)
	return &ref
}

// apply registers definitions as a person does, with an active meaning.
func (i *featureIntegrations) apply(t *testing.T, text string) {
	t.Helper()
	known, err := registeredIn(t.Context(), i.store)
	require.NoError(t, err)
	folder, err := feature.Read([]feature.File{{Name: "f.yaml", Data: []byte(text)}}, known.Catalogue)
	require.NoError(t, err)
	plan, err := known.Plan(folder.Definitions, false)
	require.NoError(t, err)
	_, err = i.store.Register(t.Context(), plan.After, plan.Rows("lena"))
	require.NoError(t, err)
}

// A commit with definitions of its own passes, and its model has learned from what was known at each application's moment: held against loops over both files.
func TestACommitWithFeatures(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	tree := i.put(t, featured(t))
	last := i.all(t, tree)
	require.Equal(t, ci.Passed, last.Status, last.Reasons)
	require.Equal(t, ci.TestQuality, last.Step)
	m, err := getModel(t.Context(), i.objects, i.made[ci.TestArtifacts][artifact.Bundle])
	require.NoError(t, err)
	var reads []string
	for _, f := range m.Signature() {
		reads = append(reads, f.Name)
	}
	require.Subset(t, reads, []string{"arrears_share", "arrears_year", "amount_to_typical"})
	require.NotContains(t, reads, "typical_amount", "an expression reads it, and no model")

	rows, err := open(t.Context(), i.objects, i.made[ci.ValidateSample][artifact.Dataset])
	require.NoError(t, err)
	got := map[string]float64{}
	_, err = collect(t.Context(), rows, []string{"application_id", "arrears_share"}, func(table dataset.Table) (struct{}, error) {
		for row := range table.Rows() {
			got[table.Column("application_id").Texts[row]] = table.Column("arrears_share").Floats[row]
		}
		return struct{}{}, nil
	})
	require.NoError(t, err)
	want := sharesByHand(t, featured(t))
	known := 0
	for id, share := range got {
		require.InDelta(t, want[id], share, 1e-12, id)
		if share != 0.06 {
			known++
		}
	}
	require.Greater(t, len(got), 2000)
	require.Greater(t, known, len(got)*9/10)

	for _, test := range i.tests() { // once more nothing is tested, and the lock is a part of what each outcome is of
		require.True(t, i.take(t, tree, test.step, test.test).Cached, test.step)
	}
	for _, test := range i.tests()[1:] {
		require.Contains(t, GivenTo(test.step, TestInput{}, i.made).Made, artifact.FeatureLock, test.step)
	}
}

// sharesByHand is what was known of arrears at each application's moment, by loops: the newest report that was known by the beginning of the day, at most 400 days old.
func sharesByHand(t *testing.T, tree *ci.Tree) map[string]float64 {
	t.Helper()
	table := func(path string) []map[string]string {
		file, _ := tree.File(path)
		all, err := csv.NewReader(bytes.NewReader(file.Data)).ReadAll()
		require.NoError(t, err)
		var rows []map[string]string
		for _, cells := range all[1:] {
			row := map[string]string{}
			for i, name := range all[0] {
				row[name] = cells[i]
			}
			rows = append(rows, row)
		}
		return rows
	}
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return at
	}
	reports, shares := table("sample/institutions.csv"), map[string]float64{}
	for _, application := range table("sample/applications.csv") {
		moment := day(application["application_date"])
		share, event, created := 0.06, time.Time{}, time.Time{}
		for _, r := range reports {
			reported, known := day(r["reported_on"]), day(r["known_on"]).AddDate(0, 0, 1) // when the day is over
			newer := reported.After(event) || reported.Equal(event) && known.After(created)
			if r["institution"] == application["institution"] && !reported.After(moment) && !known.After(moment) && newer && reported.After(moment.AddDate(0, 0, -400)) {
				event, created = reported, known
				share, _ = strconv.ParseFloat(r["arrears_share"], 64)
			}
		}
		require.False(t, math.IsNaN(share))
		shares[application["application_id"]] = share
	}
	return shares
}

// Bad commits, each refused by the step that is for it, with the place and the reason.
func TestBadCommitsWithFeatures(t *testing.T) {
	t.Parallel()
	const defs, spec = "features/institutions.yaml", "pipeline.yaml"
	const sql = "  - name: averages\n    entity: institution\n    sql: {dialect: duckdb, from: [institutions], query: \"%s\"}\n    features: [{name: average, type: number}]\nexpressions:"
	one := func(file, old, replacement string) [][3]string { return [][3]string{{file, old, replacement}} }
	query := func(text string) [][3]string { return one(defs, "expressions:", strings.Replace(sql, "%s", text, 1)) }
	refuse := func(tests string) [][3]string { // the first days of the sample come before the first reports
		return [][3]string{
			{spec, "{missing: default, stale: default}", "{missing: refuse, stale: default}"}, {spec, "schedule: ", "schema: {quarantine: {max_share: 0.02}}\nschedule: "}, {"tests/store.yaml", "", tests}, {defs, "over: 365d,", "over: 365d, default: 0.06,"},
		}
	}
	for name, test := range map[string]struct {
		change [][3]string
		step   ci.Step
		says   string
	}{
		"a feature that is not there":     {one(spec, "institutions:arrears_share", "institutions:arrears_shar"), ci.CheckSpec, `pipeline.yaml:62:12: view institutions@1 has no feature "arrears_shar"; did you mean "arrears_share"?`},
		"a type that is none":             {one(defs, "type: number, min: 0, max: 1", "type: numbre, min: 0, max: 1"), ci.CheckSpec, `features/institutions.yaml:16:37: type is "numbre"`},
		"an expression that is none":      {one(defs, "loan_amount / typical_amount", "loan_amount /"), ci.CheckSpec, "features/institutions.yaml:21:43: in the expression, at 1:"},
		"an expression of what is absent": {one(defs, "loan_amount / typical_amount", "loan_sum / typical_amount"), ci.CheckSpec, "the expression of amount_to_typical: 1:1: "},
		"an unknown entity":               {one(defs, "entity: institution\n", "entity: institutes\n"), ci.CheckSpec, `features/institutions.yaml:7:13: there is no entity "institutes"`},
		"a cycle":                         {one(defs, "expressions:", strings.Replace(strings.Replace(sql, "%s", "SELECT 1", 1), "from: [institutions]", "from: [averages]", 1)), ci.CheckSpec, "features/institutions.yaml:22:34: views are made of each other: averages -> averages"},
		"SQL that does not parse":         {query("SELEC * FROM institutions"), ci.CheckSpec, `features/institutions.yaml:22:58: the query of view "averages": syntax error`},
		"SQL that reads another file":     {query("SELECT * FROM read_csv('/etc/passwd')"), ci.CheckSpec, `features/institutions.yaml:22:72: the query of view "averages": reads read_csv(), and may read the views that from names: institutions`},
		"rows that break a rule":          {one("sample/institutions.csv", ",0.", ",7."), ci.ValidateSample, "the rows of view institutions@1 (sample/institutions.csv): institutions@1: 1 of 135 rows break rules"},
		"rows without a column":           {one("sample/institutions.csv", "arrears_share", "arrears"), ci.ValidateSample, "arrears_share"},
		"a case that is not so":           {one("tests/store.yaml", "{amount_to_typical: {clean: 2}}", "{amount_to_typical: {clean: 3}}"), ci.TestFeatures, `tests/store.yaml:17: case "the amount in relation to what is usual at the institution": amount_to_typical is 2 after cleaning, wanted 3`},
		"a case without what refuses":     {refuse("- {name: a, row: {loan_amount: 30000}, expect: {amount_to_typical: {clean: 1.5}}}\n"), ci.TestFeatures, `tests/store.yaml:1: case "a": the row is refused for "typical_amount": the case gives no value of it, and feature_store.missing refuses`},
		"a feature that may be nothing":   {one(spec, "{missing: default, stale: default}", "{missing: refuse, stale: default}"), ci.CheckSpec, "pipeline.yaml:63:26: feature_store.missing is refuse, and institutions@1:arrears_year has no default"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newFeatureIntegrations(t)
			last := i.all(t, i.put(t, featured(t, test.change...)))
			require.Equal(t, ci.Refused, last.Status)
			require.Equal(t, test.step, last.Step, last.Reasons)
			require.Contains(t, strings.Join(last.Reasons, "\n"), test.says)
		})
	}
}

// What a commit was looked at with first is what it is tested with: whatever is applied meanwhile is of the next commit, and of that everything is tested anew.
func TestACommitIsTestedByItsLock(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	shared, _ := featured(t).File("features/institutions.yaml")
	views := strings.Replace(string(shared.Data), "../sample/institutions.csv", "s3://elsewhere/institutions.csv", 1)
	i.apply(t, views)
	users := &ci.Tree{} // a repository that uses what another team has defined, with rows for it of its own
	all := featured(t)
	for _, path := range all.Paths() {
		if file, _ := all.File(path); path != "features/institutions.yaml" && path != "ci.yaml" {
			require.NoError(t, users.Add(path, file))
		}
	}
	require.NoError(t, users.Add("ci.yaml", ci.File{Data: []byte("views: {institutions: sample/institutions.csv}\n")}))
	tree := i.put(t, users)
	require.Equal(t, ci.Passed, i.all(t, tree).Status)
	first := maps.Clone(i.made)

	i.apply(t, strings.Replace(views, "ttl: 400d", "ttl: 30d", 1))
	for _, test := range i.tests()[1:] {
		require.True(t, i.take(t, tree, test.step, test.test).Cached, test.step)
	}
	again := i.take(t, tree, ci.CheckSpec, i.of.CheckSpec)
	require.False(t, again.Cached, "what is registered is a part of what it looks at")
	require.NotEqual(t, first[ci.CheckSpec][artifact.FeatureLock], again.Made[artifact.FeatureLock])
	sample := i.take(t, tree, ci.ValidateSample, i.of.ValidateSample)
	require.False(t, sample.Cached, "another version of the view, another outcome")
	require.NotEqual(t, first[ci.ValidateSample][artifact.Dataset], sample.Made[artifact.Dataset])
	require.Equal(t, ci.Passed, i.take(t, tree, ci.TestArtifacts, i.of.TestArtifacts).Status)
	require.False(t, i.take(t, tree, ci.TestFeatures, i.of.TestFeatures).Cached)

	// Without rows of its own nothing is known of anybody: everything takes its default, and is tested all the same.
	require.NoError(t, users.Add("ci.yaml", ci.File{Data: []byte("{}\n")}))
	none := i.put(t, users)
	require.Equal(t, ci.Passed, i.take(t, none, ci.CheckSpec, i.of.CheckSpec).Status)
	bare := i.take(t, none, ci.ValidateSample, i.of.ValidateSample)
	require.Contains(t, string(i.objects.bytes[bare.Log.SHA256]), "view institutions@2: the repository has no rows of it")
}

// The lock is in the package; a package whose lock is not what it says cannot be read; the same commit is the same package wherever it is made.
func TestThePackageOfACommitWithFeatures(t *testing.T) {
	t.Parallel()
	images := imagetest.Serve(t, true).Registry
	packed := func(tree *ci.Tree) (*featureIntegrations, PackageInput, PackageOutput) {
		i := newFeatureIntegrations(t)
		in := PackageInput{Tree: i.put(t, tree), Commit: strings.Repeat("c0", 20), Predictor: predictorImage}
		require.Equal(t, ci.Passed, i.take(t, in.Tree, ci.CheckSpec, i.of.CheckSpec).Status)
		in.Lock = i.lock(t)
		publication := Publication{Registry: i.registry, Objects: i.objects, Images: images, Features: i.store, Register: registerOnly}
		out, err := publication.Package(t.Context(), in)
		require.NoError(t, err)
		_, err = publication.Publish(t.Context(), PublishInput{PackageInput: in, Package: out.Package})
		require.NoError(t, err)
		return i, in, out
	}
	i, in, out := packed(featured(t))
	_, _, same := packed(featured(t))
	require.Equal(t, out, same)
	_, _, other := packed(featured(t, [3]string{"features/institutions.yaml", "ttl: 400d", "ttl: 300d"}))
	require.NotEqual(t, out.Package, other.Package)

	at, err := reference.Parse(out.Package)
	require.NoError(t, err)
	pulled, err := images.Pull(t.Context(), at)
	require.NoError(t, err)
	files, from, err := image.ReadPipeline(pulled, at.Digest)
	require.NoError(t, err)
	require.Contains(t, files, "features/institutions.yaml")
	require.Contains(t, files, "tests/store.yaml")
	lock, err := feature.DecodeLock(files[feature.LockFile])
	require.NoError(t, err)
	require.Len(t, lock.Definitions, 3, "the entity, the view, the expression")

	files[feature.LockFile] = bytes.Replace(files[feature.LockFile], []byte(`"max": 1`), []byte(`"max": 2`), 1)
	forged, err := image.PipelineArtifact(files, from)
	require.NoError(t, err)
	digest, err := forged.Digest()
	require.NoError(t, err)
	_, _, err = image.ReadPipeline(forged, digest.Hex)
	require.ErrorContains(t, err, "features.lock.json: a lock of features: view institutions@1 has the digest")

	in.Lock = nil
	_, err = (&Publication{Objects: i.objects}).Package(t.Context(), in)
	require.ErrorContains(t, err, "no lock of what they came to is given")
}

// publication publishes without schedules.
func (i *featureIntegrations) publication() *Publication {
	keepFresh := func(context.Context, feature.Register) error { return nil }
	return &Publication{Registry: i.registry, Objects: i.objects, Features: i.store, Register: registerOnly, KeepFresh: keepFresh}
}

// publish publishes a commit of a repository with features after its first test.
func (i *featureIntegrations) publish(t *testing.T, by *Publication, n int, tree *ci.Tree) (RegisterPipelineOutput, error) {
	t.Helper()
	in := RegisterPipelineInput{
		Tree: i.put(t, tree), Commit: strings.Repeat("c0", 20), RunID: "run-" + strconv.Itoa(n), Package: "pipelines/small-loans@sha256:" + strings.Repeat("0", 63) + strconv.Itoa(n),
		By: Publisher{Repository: "loans", Trigger: i.trigger},
	}
	require.Equal(t, ci.Passed, i.take(t, in.Tree, ci.CheckSpec, i.of.CheckSpec).Status)
	in.Lock = i.lock(t)
	return by.RegisterVersion(t.Context(), in)
}

// What a commit defines is applied when it is published, and its spec is trained with the versions that it was tested with; what others read is staged.
func TestPublishedDefinitionsAreApplied(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	by := i.publication()
	views := func() string { // that the pipeline is trained with
		pipelines := Pipelines{Registry: i.registry, Objects: i.objects, Features: i.store, Register: registerOnly}
		loaded, err := pipelines.Load(t.Context(), PipelineInput{Pipeline: "small-loans"})
		require.NoError(t, err)
		return strings.Join(loaded.Views, " ")
	}
	active := func() int {
		known, err := registeredIn(t.Context(), i.store)
		require.NoError(t, err)
		return known.Active(feature.KindView, "institutions")
	}
	first, err := i.publish(t, by, 1, featured(t))
	require.NoError(t, err)
	require.Equal(t, []string{"entity institution@1 new", "view institutions@1 new", "expression amount_to_typical@1 new"}, first.Definitions)
	require.Contains(t, first.Summary(), "view institutions@1 new")
	require.Equal(t, "institutions@1", views())
	rows, err := i.store.Registered(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, "commit c0c0c0c0c0c0 of repository loans", rows[0].Actor)
	require.Contains(t, string(rows[1].Document), `"uri":"s3://`, "whoever computes it has no repository")
	again, err := i.publish(t, by, 1, featured(t))
	require.NoError(t, err)
	require.Empty(t, again.Definitions)
	require.False(t, again.Created)

	// A person applies another meaning: the version that is published keeps its own.
	i.applyChanged(t, func(d *feature.Definitions) { d.Views[0].TTL /= 2 })
	require.Equal(t, 2, active())
	require.Equal(t, "institutions@1", views())

	// A push moves no name that somebody else has registered; an operator who publishes does, for nobody else reads the view.
	second, err := i.publish(t, by, 2, featured(t, [3]string{"README.md", "#", "##"}))
	require.NoError(t, err)
	require.Empty(t, second.Definitions)
	require.Equal(t, 2, active())
	require.Equal(t, "institutions@1", views())
	i.trigger = registry.ByHand
	byHand, err := i.publish(t, by, 4, featured(t, [3]string{"README.md", "#", "###"}))
	require.NoError(t, err)
	require.Equal(t, []string{"view institutions@1 activated"}, byHand.Definitions)
	require.Equal(t, 1, active())
	i.trigger = registry.ByPush

	// What is its own it changes, and tells otherwise.
	told, err := i.publish(t, by, 5, featured(t, [3]string{"features/institutions.yaml", "default: 20000", "default: 21000"}))
	require.NoError(t, err)
	require.Equal(t, []string{"view institutions@1 described"}, told.Definitions)

	// Once another pipeline reads it, a changed meaning is staged: this pipeline reads it, and nobody else.
	require.NoError(t, i.registry.PutPipeline(t.Context(), otherReader(t)))
	third, err := i.publish(t, by, 3, featured(t, [3]string{"features/institutions.yaml", "ttl: 400d", "ttl: 300d"}))
	require.NoError(t, err)
	require.Equal(t, []string{"view institutions@3 changed and staged: its name means what it meant"}, third.Definitions)
	require.Equal(t, 1, active())
	require.Equal(t, "institutions@3", views())
	same, err := i.publish(t, by, 3, featured(t, [3]string{"features/institutions.yaml", "ttl: 400d", "ttl: 300d"}))
	require.NoError(t, err)
	require.Empty(t, same.Definitions)

	// A default is no meaning; others read it all the same, and only this pipeline's own is another one.
	fourth, err := i.publish(t, by, 6, featured(t, [3]string{"features/institutions.yaml", "default: 0.06", "default: 0.07"}))
	require.NoError(t, err)
	require.Empty(t, fourth.Definitions)
	spec, err := i.registry.Pipeline(t.Context(), "small-loans")
	require.NoError(t, err)
	require.Equal(t, "0.07", spec.Features[0].Default)
}

// otherReader is another pipeline that reads the view.
func otherReader(t *testing.T) registry.PipelineSpec {
	t.Helper()
	file, _ := featured(t, [3]string{"pipeline.yaml", "name: small-loans", "name: large-loans"}).File("pipeline.yaml")
	spec, err := pipeline.Parse("pipeline.yaml", file.Data)
	require.NoError(t, err)
	return registry.NewPipelineSpec(spec, file.Data)
}

// applyChanged applies what is registered of views otherwise.
func (i *featureIntegrations) applyChanged(t *testing.T, change func(*feature.Definitions)) {
	t.Helper()
	known, err := registeredIn(t.Context(), i.store)
	require.NoError(t, err)
	v, err := known.View("institutions")
	require.NoError(t, err)
	d := feature.Definitions{Views: []feature.View{*v.View}}
	change(&d)
	plan, err := known.Plan(d, false)
	require.NoError(t, err)
	_, err = i.store.Register(t.Context(), plan.After, plan.Rows("lena"))
	require.NoError(t, err)
}

// Between the tests and the publication somebody registers something else under the version that the commit was tested with: nothing is published of it.
func TestAPublicationThatWasOvertaken(t *testing.T) {
	t.Parallel()
	i := newFeatureIntegrations(t)
	by := i.publication()
	in := RegisterPipelineInput{
		Tree: i.put(t, featured(t)), Commit: strings.Repeat("c0", 20), RunID: "run", Package: "pipelines/small-loans@sha256:" + strings.Repeat("0", 64),
		By: Publisher{Repository: "loans", Trigger: registry.ByPush},
	}
	require.Equal(t, ci.Passed, i.take(t, in.Tree, ci.CheckSpec, i.of.CheckSpec).Status)
	in.Lock = i.lock(t)
	file, _ := featured(t).File("features/institutions.yaml")
	i.apply(t, strings.Replace(string(file.Data), "ttl: 400d", "ttl: 30d", 1))
	rows, err := i.store.Registered(t.Context(), 0)
	require.NoError(t, err)
	_, err = by.RegisterVersion(t.Context(), in)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "view institutions@1 means something else in the feature store")
	after, err := i.store.Registered(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, rows, after, "nothing half-written")
	versions, err := i.registry.PipelineVersions(t.Context(), "small-loans")
	require.NoError(t, err)
	require.Empty(t, versions)
	by.Features = nil
	_, err = by.RegisterVersion(t.Context(), in)
	require.ErrorContains(t, err, "LOANOPS_FEATURES_DATABASE")
}

// Whose names count as read: those of references, of the views that columns are features of, and of expressions; none of the pipeline's own.
func TestWhoReadsDefinitions(t *testing.T) {
	t.Parallel()
	other := pipeline.Spec{Name: "large-loans", Features: []string{"credit@2", "bureau@1:score", "strain"}}
	other.Look([]pipeline.Column{{Name: "late_90d", Feature: "payments@3:late_90d"}, {Name: "in_service", Expression: "late_90d + 1"}})
	own := pipeline.Spec{Name: "small-loans", Features: []string{"institutions"}}
	require.Equal(t, map[string]string{
		"credit": "large-loans", "bureau": "large-loans", "strain": "large-loans", "payments": "large-loans", "in_service": "large-loans",
	}, readers([]pipeline.Spec{own, other}, "small-loans"))
}
