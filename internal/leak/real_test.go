package leak_test

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// real is a data set that lies beside the project, where it is at hand.
type real struct {
	file, label, positive, negative, entity string
	without                                 []string // columns that are no features
	missing                                 []string // what means missing, besides the empty text and NA
	rows                                    func(row map[string]string) bool
}

// read gives the spec, the table and the labels of a real data set: every column a feature, a number where all values are.
func (r real) read(t *testing.T) (pipeline.Spec, dataset.Table, []float64) {
	t.Helper()
	file, err := os.Open(filepath.Join("../../../shared/data", r.file))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s is not here", r.file)
	}
	require.NoError(t, err)
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	header := records[0]
	var kept [][]string
	var y []float64
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range header {
			row[name] = record[i]
		}
		if r.rows != nil && !r.rows(row) {
			continue
		}
		kept = append(kept, record)
		switch row[r.label] {
		case r.positive:
			y = append(y, 1)
		case r.negative:
			y = append(y, 0)
		default:
			y = append(y, math.NaN())
		}
	}
	spec := pipeline.Spec{Entity: r.entity}
	var table dataset.Table
	for i, name := range header {
		if name == r.label || slices.Contains(r.without, name) {
			continue
		}
		table.Columns = append(table.Columns, columnOf(name, kept, i, append(r.missing, "", "NA")))
		if name != r.entity {
			spec.Columns = append(spec.Columns, pipeline.Column{Name: name})
		}
	}
	return spec, table, y
}

// columnOf is the i-th field of every record.
func columnOf(name string, records [][]string, i int, missing []string) dataset.Column {
	number := dataset.Column{Name: name, Kind: dataset.Float}
	text := dataset.Column{Name: name, Kind: dataset.Text}
	numeric := true
	for _, record := range records {
		value := record[i]
		absent := slices.Contains(missing, value)
		text.Texts, text.Valid = append(text.Texts, value), append(text.Valid, !absent)
		parsed, err := strconv.ParseFloat(value, 64)
		if absent {
			parsed, err = math.NaN(), nil
		}
		numeric = numeric && err == nil
		number.Floats = append(number.Floats, parsed)
	}
	if numeric {
		return number
	}
	return text
}

func from1997(row map[string]string) bool {
	year, err := strconv.Atoi(row["ApprovalFY"])
	return err == nil && year >= 1997
}

var knownLater = []string{"Term", "ChgOffDate", "ChgOffPrinGr", "DisbursementDate", "DisbursementGross", "BalanceGross"}

var (
	av     = real{file: "av-loan-prediction/train.csv", label: "Loan_Status", positive: "Y", negative: "N", entity: "Loan_ID"}
	boston = real{file: "boston-hmda-1990/hmda_boston.csv", label: "deny", positive: "yes", negative: "no", without: []string{"insurance"}}
	german = real{file: "german-credit/german_credit.csv", label: "creditability", positive: "bad", negative: "good"}
	spain  = real{file: "credit-data-spain/credit_data.csv", label: "Status", positive: "bad", negative: "good"}
	heloc  = real{file: "heloc-fico/heloc_raw_10459.csv", label: "RiskPerformanceBad", positive: "1", negative: "0"}
	taiwan = real{file: "taiwan-credit-card/taiwan.csv", label: "default_payment_next_month", positive: "1", negative: "0", entity: "ID"}
	sba    = real{file: "sba-national/sba_first22427.csv", label: "MIS_Status", positive: "CHGOFF", negative: "P I F", entity: "LoanNr_ChkDgt", rows: from1997}
)

// clean are the sets that a person found clean, and the columns without which they are.
func clean() []real {
	later := sba
	later.without = knownLater
	codes := heloc // the codes as what they are
	codes.missing = []string{"-9", "-8", "-7"}
	return []real{av, boston, german, spain, heloc, codes, taiwan, later}
}

func TestCleanDataAreSilent(t *testing.T) {
	t.Parallel()
	for _, r := range clean() {
		t.Run(r.file, func(t *testing.T) {
			t.Parallel()
			spec, table, y := r.read(t)
			require.Empty(t, features(spec, table, y, leak.Options{}))
		})
	}
}

// Special codes replaced by their class's mean: in eight columns, as the data's description counts them.
func TestTheLeakyHelocFileIsVetoed(t *testing.T) {
	t.Parallel()
	leaky := real{file: "heloc-fico/heloc_9871_label_leak.csv", label: "RiskPerformance", positive: "0.0", negative: "1.0"}
	spec, table, y := leaky.read(t)
	counts := map[string]int{}
	for _, v := range features(spec, table, y, leak.Options{}) {
		require.Equal(t, leak.PureValues, v.Rule, v.Message)
		require.Equal(t, 1., v.Effect)
		counts[v.Column] = v.Count
	}
	require.Equal(t, map[string]int{
		"NetFractionInstallBurden": 3419, "NumInstallTradesWBalance": 861, "NumBank2NatlTradesWHighUtilization": 583, "MSinceMostRecentInqexcl7days": 476,
		"MSinceOldestTradeOpen": 239, "MSinceMostRecentDelq": 176, "NetFractionRevolvingBurden": 149, "NumRevolvingTradesWBalance": 128,
	}, counts)
}

// What is recorded after the outcome: found in the numbers where it predicts, and where the spec says so.
func TestSBAColumnsThatAreKnownLaterAreVetoed(t *testing.T) {
	t.Parallel()
	want := []string{"Term auc", "ChgOffDate auc", "ChgOffDate missingness", "ChgOffPrinGr auc", "ChgOffPrinGr pure_values"}
	spec, table, y := sba.read(t)
	vetoes := features(spec, table, y, leak.Options{})
	require.Equal(t, want, names(vetoes))
	require.Greater(t, vetoes[0].Effect, 0.94)
	whole := sba
	whole.rows = nil
	spec, table, y = whole.read(t)
	require.Equal(t, want, names(features(spec, table, y, leak.Options{})), "with the years before 1997")
	for i := range spec.Columns {
		if slices.Contains(knownLater, spec.Columns[i].Name) {
			spec.Columns[i].Known = pipeline.KnownAfterOutcome
		}
	}
	declared := 0
	for _, v := range features(spec, table, y, leak.Options{}) {
		if v.Rule == leak.KnownLater {
			declared++
		}
	}
	require.Equal(t, 5, declared)
}

// No AUC finds what only knowledge of the process does.
func TestBostonsInsuranceIsFoundByItsDeclaration(t *testing.T) {
	t.Parallel()
	all := boston
	all.without = nil
	spec, table, y := all.read(t)
	require.Empty(t, features(spec, table, y, leak.Options{}))
	spec.Columns[slices.IndexFunc(spec.Columns, func(c pipeline.Column) bool { return c.Name == "insurance" })].Known = pipeline.KnownAfterOutcome
	require.Equal(t, []string{"insurance known_later"}, names(features(spec, table, y, leak.Options{})))
}

// Shared at random, clean data are clean; with a twentieth of the test part copied from training they are not.
func TestRealDataAcrossASplit(t *testing.T) {
	t.Parallel()
	for _, r := range clean() {
		t.Run(r.file, func(t *testing.T) {
			t.Parallel()
			spec, table, _ := r.read(t)
			spec.Entity = ""
			rng := rand.New(rand.NewPCG(1, 1))
			var rows [3][]int
			for i := range table.Rows() {
				part := max(0, rng.IntN(5)-2) // three fifths, one, one
				rows[part] = append(rows[part], i)
			}
			train, validation := table.Select(rows[0]), table.Select(rows[1])
			require.Empty(t, acrossSplit(spec, train, validation, table.Select(rows[2])))
			copied := append(slices.Clone(rows[2]), rows[0][:len(rows[2])/20]...)
			vetoes := acrossSplit(spec, train, validation, table.Select(copied))
			require.Equal(t, []string{"duplicates"}, names(vetoes))
			require.InDelta(t, 0.045, vetoes[0].Effect, 0.01)
		})
	}
}
