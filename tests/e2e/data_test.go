package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// checked is what `loanops data check --output json` says.
type checked struct {
	Rows     map[string]int `json:"rows"`
	Findings []struct {
		Column, Rule, Severity string
		Count                  int
		Share                  float64
		RowIDs                 []string `json:"row_ids"`
	} `json:"findings"`
	Vetoes []struct{ Column, Rule string } `json:"vetoes"`
	Digest string                          `json:"digest"`
}

// checkData runs the command, which needs no platform.
func checkData(t *testing.T, args ...string) (out checked, stderr string, code int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "../../bin/loanops", append([]string{"data", "check", "--output", "json"}, args...)...)
	var stdout, errors bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &errors
	_ = command.Run()
	if stdout.Len() > 0 {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &out), stdout.String())
	}
	return out, errors.String(), command.ProcessState.ExitCode()
}

// Every real data set, where it is at hand, from its raw file to a split dataset. The counts are those of a program of its own.
func TestRealDataAtADesk(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs("../../../shared/data")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		file   string
		vetoed []string // columns
	}{
		"av-loan-prediction": {file: "av-loan-prediction/train.csv"},
		"boston-hmda-1990":   {file: "boston-hmda-1990/hmda_boston.csv"},
		"credit-data-spain":  {file: "credit-data-spain/credit_data.csv"},
		"german-credit":      {file: "german-credit/german_credit.csv"},
		"heloc-fico":         {file: "heloc-fico/heloc_raw_10459.csv"},
		"taiwan-credit-card": {file: "taiwan-credit-card/taiwan.csv"},
		"sba-national":       {file: "sba-national/sba_first22427.csv"},
		"sba-national-term":  {file: "sba-national/sba_first22427.csv", vetoed: []string{"Term"}},
		"heloc-fico-leak":    {file: "heloc-fico/heloc_9871_label_leak.csv", vetoed: []string{"NetFractionInstallBurden", "NumInstallTradesWBalance"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(folder, test.file)
			if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
				t.Skipf("%s is not here", test.file)
			}
			out, stderr, code := checkData(t, file, "--pipeline", filepath.Join("../specs", name+".yaml"))
			var vetoed []string
			for _, veto := range out.Vetoes {
				vetoed = append(vetoed, veto.Column)
			}
			if len(test.vetoed) == 0 {
				require.Equal(t, 0, code, "%s %+v", stderr, out)
				require.Empty(t, vetoed)
			} else {
				require.Equal(t, 3, code, stderr)
				require.Subset(t, vetoed, test.vetoed)
			}
			require.Equal(t, out.Rows["cleaned"], out.Rows["train"]+out.Rows["validation"]+out.Rows["test"], "every cleaned row has a label")

			python, err := exec.LookPath("python3")
			if err != nil {
				t.Skip("there is no python3 to count with")
			}
			counted, err := exec.CommandContext(t.Context(), python, "../data/count.py", folder, name).Output()
			require.NoError(t, err)
			var want map[string]int
			require.NoError(t, json.Unmarshal(counted, &want))
			for what, count := range want {
				require.Equal(t, count, out.Rows[what], what)
			}
		})
	}
}

const deskSpec = `name: desk
source: {uri: rows.csv}
label: {column: y, positive: "1", negative: "0"}
entity: id
columns:
  - {name: n, type: number, min: 0, max: 1000000}
  - {name: c, type: category, domain: [a, b]}
`

// desk writes the spec and 400 rows that are in order; spoil changes the lines, the first of which is the header.
func desk(t *testing.T, spoil func(lines []string) []string) (spec, data string) {
	t.Helper()
	lines := []string{"id,n,c,y"}
	for i := range 400 {
		lines = append(lines, fmt.Sprintf("A-%d,%d,%s,%d", i, 7*i%1000, string("ab"[i%2]), uint32(i)*2654435761>>31)) // no order tells the label
	}
	if spoil != nil {
		lines = spoil(lines)
	}
	folder := t.TempDir()
	spec, data = filepath.Join(folder, "desk.yaml"), filepath.Join(folder, "rows.csv")
	require.NoError(t, os.WriteFile(spec, []byte(deskSpec), 0o600))
	require.NoError(t, os.WriteFile(data, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return spec, data
}

// A spec's relative path is relative to the spec; what was made can be kept.
func TestDataCheckKeepsWhatItMade(t *testing.T) {
	t.Parallel()
	spec, _ := desk(t, nil)
	folder := filepath.Join(t.TempDir(), "made")
	out, stderr, code := checkData(t, "--pipeline", spec, "--save", folder)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, map[string]int{"read": 400, "cleaned": 400, "quarantined": 0, "duplicate": 0, "train": out.Rows["train"], "validation": out.Rows["validation"], "test": out.Rows["test"]}, out.Rows)
	for _, file := range []string{"dataset.json", "dataset.parquet", "train.parquet", "validation_report.json", "leakage_report.json", "profile_html.html"} {
		require.FileExists(t, filepath.Join(folder, file))
	}
	again, _, _ := checkData(t, "--pipeline", spec)
	require.Equal(t, out.Digest, again.Digest)
}

// Columns shifted by one, so that names stand where numbers should: refused, and no name anywhere.
func TestShiftedColumnsTellNoNames(t *testing.T) {
	t.Parallel()
	spec, _ := desk(t, func(lines []string) []string {
		for i := 1; i < len(lines); i += 2 {
			fields := strings.Split(lines[i], ",")
			lines[i] = strings.Join([]string{"Ann Smithson", fields[0], fields[1], fields[2]}, ",")
		}
		return lines
	})
	folder := filepath.Join(t.TempDir(), "made")
	out, stderr, code := checkData(t, "--pipeline", spec, "--save", folder)
	require.Equal(t, 3, code, stderr)
	require.NotEmpty(t, out.Findings)
	for _, f := range out.Findings {
		require.NotContains(t, strings.Join(f.RowIDs, " "), "Smithson")
	}
	require.NotContains(t, stderr, "Smithson")
	for _, file := range []string{"validation_report.json", "facts.json", "profile.json", "profile_html.html"} {
		data, err := os.ReadFile(filepath.Join(folder, file))
		require.NoError(t, err)
		require.NotContains(t, string(data), "Smithson", file)
	}
	require.FileExists(t, filepath.Join(folder, "quarantine.parquet"), "there a person can look")
}

// What cannot be read ends with 2 and says where.
func TestBadInputAtADesk(t *testing.T) {
	t.Parallel()
	wide := func([]string) []string {
		names, values := make([]string, 10_000), make([]string, 10_000)
		for i := range names {
			names[i], values[i] = fmt.Sprintf("x%d", i), "1"
		}
		return []string{strings.Join(names, ","), strings.Join(values, ",")}
	}
	at := func(line int, text string) func([]string) []string {
		return func(lines []string) []string { lines[line-1] = text; return lines }
	}
	for name, test := range map[string]struct {
		spoil func([]string) []string
		want  string
	}{
		"truncated in a quote": {func(lines []string) []string { return append(lines[:200], `A-200,"1`) }, "rows.csv:201"},
		"too few fields":       {at(100, "A-98,1"), "rows.csv:100"},
		"wrong encoding":       {at(50, "A-48,1,\xe9,0"), "rows.csv:50"},
		"duplicated header":    {at(1, "id,n,n,y"), "rows.csv:1"},
		"ten thousand columns": {wide, "rows.csv"},
		"empty":                {func([]string) []string { return nil }, "rows.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec, _ := desk(t, test.spoil)
			_, stderr, code := checkData(t, "--pipeline", spec)
			require.Equal(t, 2, code, stderr)
			require.Contains(t, stderr, test.want)
		})
	}
	spec, data := desk(t, nil)
	fifo := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	bomb := filepath.Join(t.TempDir(), "bomb.csv.gz")
	packed, err := os.Create(bomb)
	require.NoError(t, err)
	writer := gzip.NewWriter(packed)
	_, err = writer.Write([]byte("id,n,c,y\n"))
	require.NoError(t, err)
	for range 300 {
		_, err = writer.Write(bytes.Repeat([]byte("A-1,1,a,1\n"), 1<<20/10))
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	require.NoError(t, packed.Close())
	small := filepath.Join(t.TempDir(), "small.yaml")
	require.NoError(t, os.WriteFile(small, []byte(deskSpec+"limits: {max_rows: 1000000, max_bytes: 100000000}\n"), 0o600))
	notParquet := filepath.Join(t.TempDir(), "rows.parquet")
	require.NoError(t, os.WriteFile(notParquet, []byte("PAR1 nothing PAR1"), 0o600))
	for name, args := range map[string][]string{
		"a FIFO": {fifo, "--pipeline", spec}, "/dev/zero": {"/dev/zero", "--pipeline", spec}, "no file": {data + ".none.csv", "--pipeline", spec},
		"a bomb": {bomb, "--pipeline", small}, "no Parquet": {notParquet, "--pipeline", spec}, "no spec": {data, "--pipeline", spec + ".none"},
		"a spreadsheet": {spec, "--pipeline", spec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stderr, code := checkData(t, args...)
			require.Equal(t, 2, code, stderr)
			require.NotEmpty(t, stderr)
		})
	}
}

// Rows that break a rule go aside up to the share that the spec accepts.
func TestQuarantineAtADesk(t *testing.T) {
	t.Parallel()
	spec, _ := desk(t, func(lines []string) []string {
		for i := 1; i <= 4; i++ { // 1 % of 400
			lines[i] = strings.Replace(lines[i], ",", ",-", 1) + ""
			lines[i] = strings.Replace(lines[i], ",-0,", ",-1,", 1)
		}
		return lines
	})
	text, err := os.ReadFile(spec)
	require.NoError(t, err)
	for share, want := range map[string]int{"0.009": 3, "0.01": 0} {
		other := filepath.Join(filepath.Dir(spec), "share"+share+".yaml")
		require.NoError(t, os.WriteFile(other, append(text[:len(text):len(text)], []byte("schema: {quarantine: {max_share: "+share+"}}\n")...), 0o600))
		out, stderr, code := checkData(t, "--pipeline", other)
		require.Equal(t, want, code, stderr)
		require.Equal(t, 4, out.Rows["quarantined"])
		require.Equal(t, 396, out.Rows["cleaned"])
		require.Equal(t, "range", out.Findings[0].Rule)
		require.Equal(t, 4, out.Findings[0].Count)
	}
}
