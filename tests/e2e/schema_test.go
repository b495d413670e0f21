package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// schemaRow is one of `loanops schemas list --output json`.
type schemaRow struct {
	Version     int
	Parent      int
	Current     bool
	Changes     []string
	Unused      []string
	Acceptances []struct{ Actor, Reason string }
}

const growingSpec = `name: growing
source: {uri: rows.csv}
label: {column: y, positive: "1", negative: "0"}
entity: id
columns:
  - {name: n, type: number, min: 0, max: 1000}
  - {name: c, type: category, domain: [a, b]}
schema: {evolve: {max_share: 0.05}}
`

// growing writes the spec and 400 rows in the columns id, n, c and y; spoil changes the lines.
func growing(t *testing.T, spec string, spoil func(i int, fields []string) []string) (specFile, data string) {
	t.Helper()
	var text strings.Builder
	for i := range 401 {
		fields := []string{"id", "n", "c", "y"}
		if i > 0 {
			fields = []string{fmt.Sprintf("A-%d", i), fmt.Sprint(7 * i % 1000), string("ab"[i%2]), fmt.Sprint(uint32(i) * 2654435761 >> 31)}
		}
		fmt.Fprintln(&text, strings.Join(spoil(i, fields), ","))
	}
	folder := t.TempDir()
	specFile, data = filepath.Join(folder, "growing.yaml"), filepath.Join(folder, "rows.csv")
	require.NoError(t, os.WriteFile(specFile, []byte(spec), 0o600))
	require.NoError(t, os.WriteFile(data, []byte(text.String()), 0o600))
	return specFile, data
}

func same(_ int, fields []string) []string { return fields }

// What data bring grows the schema; what may mean another thing waits for a person; names in shifted columns reach nothing that is kept.
func TestSchemasGrowAndWait(t *testing.T) {
	train := func(code int, spec string, spoil func(int, []string) []string) result {
		t.Helper()
		file, _ := growing(t, spec, spoil)
		var r result
		shared.runJSON(t, &r, code, "ct", "start", "--pipeline", file, "--register-only", "--wait")
		return r
	}
	schemas := func() (rows []schemaRow) {
		t.Helper()
		shared.runJSON(t, &rows, 0, "schemas", "list", "growing")
		return rows
	}
	require.Equal(t, "registered", train(0, growingSpec, same).Verdict)
	require.Len(t, schemas(), 1)

	boats := func(i int, fields []string) []string {
		if i > 0 && i <= 8 {
			fields[2] = "boat"
		}
		return append(fields, map[bool]string{true: "extra", false: "x"}[i == 0])
	}
	require.Equal(t, "registered", train(0, growingSpec, boats).Verdict)
	grown := schemas()
	require.Len(t, grown, 2)
	require.True(t, grown[0].Current)
	require.Equal(t, []string{"extra"}, grown[0].Unused)
	out, code := shared.run(t, "schemas", "diff", "growing", "2")
	require.Equal(t, 0, code)
	require.Contains(t, string(out), "boat")
	require.Equal(t, "registered", train(0, growingSpec, boats).Verdict)
	require.Len(t, schemas(), 2, "the same data change nothing more")

	lacking := func(_ int, fields []string) []string { return []string{fields[0], fields[1], fields[3]} }
	refused := train(3, growingSpec, lacking)
	require.Contains(t, strings.Join(refused.Reasons, "\n"), "loanops schemas accept growing 3 --reason")
	require.True(t, schemas()[1].Current, "what is proposed is not used")
	_, code = shared.run(t, "schemas", "accept", "growing", "3")
	require.Equal(t, 2, code, "a reason is wanted")
	_, code = shared.run(t, "schemas", "accept", "growing", "3", "--reason", "the bureau has stopped sending it", "--actor", "ada")
	require.Equal(t, 0, code)
	require.Equal(t, "ada", schemas()[0].Acceptances[0].Actor)
	require.Equal(t, "registered", train(0, growingSpec, lacking).Verdict)
	_, code = shared.run(t, "schemas", "accept", "growing", "2", "--reason", "it is back")
	require.Equal(t, 0, code)

	meaning := strings.Replace(growingSpec, `negative: "0"}`, `negative: "0", meaning: approval}`, 1)
	require.Contains(t, strings.Join(train(3, meaning, same).Reasons, "\n"), "the label has another meaning")
	_, code = shared.run(t, "schemas", "accept", "growing", "9", "--reason", "no such version")
	require.Equal(t, 5, code)

	names := func(i int, fields []string) []string {
		if i > 0 && i%3 == 0 {
			fields[2] = fmt.Sprintf("Wilhelmina Featherstonehaugh %d", i/30)
		}
		return fields
	}
	require.Equal(t, "refused", train(3, growingSpec, names).Verdict)
	everyThird := func(i int, fields []string) []string {
		if i > 0 && i%3 == 0 {
			return []string{"Wilhelmina Featherstonehaugh", fields[0], fields[1], fields[2]}
		}
		return fields
	}
	require.Equal(t, "refused", train(3, growingSpec, everyThird).Verdict)
	shared.requireNowhere(t, "Featherstonehaugh", "training-growing")
}

// requireNowhere looks for a person's value where none may be: in a history, in the logs, in the registry, in reports and facts.
func (p *platform) requireNowhere(t *testing.T, value, workflowID string) {
	t.Helper()
	require.NotContains(t, p.workflowHistory(t, workflowID), value)
	require.NoError(t, filepath.WalkDir(p.State, func(path string, entry os.DirEntry, err error) error {
		switch {
		case errors.Is(err, os.ErrNotExist): // gone meanwhile
			return nil
		case err != nil:
			return err
		case !entry.Type().IsRegular() || slices.Contains([]string{".parquet", ".csv"}, filepath.Ext(path)): // where rows are kept
			return nil
		}
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(value)) {
			t.Errorf("%s is in %s", value, path)
		}
		return nil
	}))
	folder := filepath.Join(t.TempDir(), "reports")
	_, code := p.run(t, "runs", "show", workflowID, "--save", folder)
	require.Equal(t, 0, code)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && !strings.Contains(filepath.Base(file), "quarantine") && !strings.HasSuffix(file, ".parquet") {
			require.NotContains(t, string(data), value, file)
		}
	}
}

// Who starts a workflow reads what the worker may read, which is below the folder in which the platform was started, and no link leads out of it.
func TestWhoStartsAWorkflowCannotReadTheDisk(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret.csv")
	require.NoError(t, os.WriteFile(outside, []byte("id,income\nFeatherstonehaugh,1\n"), 0o600))
	link, err := filepath.Abs("link-" + strconv.Itoa(os.Getpid()) + ".csv") // the platform was started here
	require.NoError(t, err)
	require.NoError(t, os.Symlink(outside, link))
	t.Cleanup(func() { _ = os.Remove(link) })
	for how, file := range map[string]string{"named": outside, "linked": link, "climbed": "../../../../../.." + outside} {
		id := "reads-" + how
		shared.startByHand(t, id, "ContinuousTraining", map[string]string{"pipeline": name, "data": file})
		shared.closed(t, id)
		history := shared.workflowHistory(t, id)
		require.Contains(t, history, "LOANOPS_DATA_DIRS", how)
		require.NotContains(t, history, "Featherstonehaugh")
	}
}
