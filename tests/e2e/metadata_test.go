package e2e

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/sha256hex"
)

// measured is an evaluation on new data, as the command prints it.
type measured struct {
	result
	Evaluation struct {
		Rows    int                                                 `json:"rows"`
		Metrics map[string]struct{ Estimate, Lower, Upper float64 } `json:"metrics"`
		LeftOut map[string]int64                                    `json:"left_out"`
	} `json:"evaluation"`
}

// Any version is measured on new data, of which immature rows do not count; from a version the way leads back to the file that trained it, by digest;
// the best are listed with the program and the steps that made them, and two stand side by side.
func TestWhatIsRememberedOfVersions(t *testing.T) {
	champion := shared.champion(t)
	file := filepath.Join(t.TempDir(), "applications.csv")
	_, code := shared.run(t, "simulate", "--rows", "6000", "--seed", "11", "--out", file)
	require.Equal(t, 0, code)

	var all, earlier measured
	shared.runJSON(t, &all, 0, "models", "evaluate", name, "--version", "@champion", "--data", file)
	require.Equal(t, "evaluated", all.Verdict)
	require.Equal(t, champion, all.Model.Version)
	require.Greater(t, all.Evaluation.Metrics["auc"].Estimate, 0.65)
	require.Positive(t, all.Evaluation.LeftOut["immature"]+all.Evaluation.LeftOut["unlabelled"])
	require.Contains(t, all.Artifacts, "evaluation_html")
	shared.runJSON(t, &earlier, 0, "models", "evaluate", name, "--version", strconv.Itoa(champion), "--data", file, "--as-of", "2025-12-31")
	require.Less(t, earlier.Evaluation.Rows, all.Evaluation.Rows)
	_, code = shared.run(t, "models", "evaluate", name, "--version", "999", "--data", file)
	require.Equal(t, 5, code)
	require.Equal(t, champion, shared.champion(t), "an evaluation changes nothing")

	var trained result
	shared.runJSON(t, &trained, 0, "ct", "start", name, "--data", file, "--register-only", "--wait")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var line struct {
		Code    struct{ Go string }
		Run     struct{ Steps []any }
		Dataset struct{ Rows int }
		Parts   []struct {
			Role string
			Rows int
		}
		Sources struct {
			Relations []struct{ Files []struct{ SHA256 string } }
		}
	}
	page := filepath.Join(t.TempDir(), "lineage.html")
	shared.runJSON(t, &line, 0, "models", "lineage", name, strconv.Itoa(trained.Model.Version), "--html", page)
	require.Equal(t, sha256hex.Of(raw), line.Sources.Relations[0].Files[0].SHA256)
	require.Equal(t, 6000, line.Dataset.Rows)
	require.Len(t, line.Parts, 4)
	require.NotEmpty(t, line.Code.Go)
	require.NotEmpty(t, line.Run.Steps)
	require.FileExists(t, page)

	var best []struct {
		Version int
		Steps   []struct{ Attempts int }
		Metrics map[string]struct{ Estimate float64 }
	}
	shared.runJSON(t, &best, 0, "models", "list", name, "--by", "brier")
	require.GreaterOrEqual(t, len(best), 3)
	for i := range best[1:] {
		require.LessOrEqual(t, best[i].Metrics["brier"].Estimate, best[i+1].Metrics["brier"].Estimate)
	}
	require.NotEmpty(t, best[0].Steps)
	page = filepath.Join(t.TempDir(), "model.html")
	shared.runJSON(t, &best, 0, "models", "list", name, "--html", page)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), "version "+strconv.Itoa(champion)+" is champion")
	require.Contains(t, string(html), sha256hex.Of(raw), "the file that trained the newest")
	var then struct {
		Record struct{ Champion struct{ Version int } }
	}
	shared.runJSON(t, &then, 0, "models", "history", name, "--at", time.Now().UTC().Format(time.RFC3339))
	require.Equal(t, champion, then.Record.Champion.Version)
	var compared struct {
		SameRows struct {
			Rows int
			A, B map[string]any
		} `json:"same_rows"`
	}
	shared.runJSON(t, &compared, 0, "models", "compare", name, strconv.Itoa(champion), strconv.Itoa(trained.Model.Version))
	require.Positive(t, compared.SameRows.Rows)
	require.NotEmpty(t, compared.SameRows.A)
	require.NotEmpty(t, compared.SameRows.B)
}

// pruned is what was removed, or would be.
type pruned struct {
	Total       struct{ Objects int }
	CachedSteps int `json:"cached_steps"`
	Others      int
}

// Of a store in which everything is old, what nothing needs goes, and nothing else: the champion is evaluated, delivered and trained again as before.
func TestPruneTakesWhatNothingNeeds(t *testing.T) {
	champion := shared.champion(t)
	bucket := filepath.Join(shared.State, "s3", "objects", shared.mustEndpoints(t).Bucket)
	digest := sha256hex.Of([]byte("an object that nothing names"))
	orphan := filepath.Join(bucket, "artifacts", "sha256", digest[:2], digest+".html")
	require.NoError(t, os.MkdirAll(filepath.Dir(orphan), 0o755))
	require.NoError(t, os.WriteFile(orphan, []byte("an object that nothing names"), 0o600))
	objects := shared.age(t, bucket)

	_, code := shared.run(t, "prune", "--older-than", "23h")
	require.Equal(t, 2, code)
	var said, done pruned
	shared.runJSON(t, &said, 0, "prune", "--older-than", "90d")
	require.Positive(t, said.Total.Objects)
	require.Positive(t, said.Others, "Terraform's states are in the bucket")
	require.FileExists(t, orphan)
	shared.runJSON(t, &done, 0, "prune", "--older-than", "90d", "--delete")
	require.Equal(t, said, done)
	require.NoFileExists(t, orphan)
	require.Equal(t, objects-done.Total.Objects, shared.age(t, bucket))

	shared.save(t, strconv.Itoa(champion))
	_, code = shared.run(t, "models", "lineage", name, strconv.Itoa(champion))
	require.Equal(t, 0, code)
	var r result
	shared.runJSON(t, &r, 0, "cd", "start", name, "--version", strconv.Itoa(champion), "--wait")
	require.Equal(t, "nothing", r.Verdict)
	shared.runJSON(t, &r, 0, "ct", "start", name, "--register-only", "--wait")
	require.Equal(t, "registered", r.Verdict)
}

// age makes every object and every cached step of the platform a year old, and counts the objects.
func (p *platform) age(t *testing.T, bucket string) (objects int) {
	t.Helper()
	past := time.Now().AddDate(-1, 0, 0)
	require.NoError(t, filepath.WalkDir(bucket, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		objects++
		return os.Chtimes(path, past, past)
	}))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.State, "loanops.db")+"?_pragma=busy_timeout(20000)")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "UPDATE cached_steps SET created_at = ?", past.UnixMicro())
	require.NoError(t, err)
	return objects
}
