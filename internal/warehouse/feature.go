package warehouse

import (
	"fmt"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// featureView is a view whose SQL is written here.
type featureView struct{ *feature.View }

// named holds the names of the columns of a view's files to being different ones. Definitions are held to it before; tests, and what another build registered, are not.
func (v featureView) named() error {
	if name, before := v.Twice(); name != "" {
		return fault.New(fault.Invalid, "view %q: its files would have a column %q beside %q; rename it", v.Name, name, before)
	}
	return nil
}

// keys are the internal names of an entity's keys, k0 and so on, each after the prefix.
func (v featureView) keys(prefix string) string {
	names := make([]string, len(v.Keys))
	for i := range v.Keys {
		names[i] = fmt.Sprintf("%sk%d", prefix, i)
	}
	return strings.Join(names, ", ")
}

// same is the condition that two relations have the same keys.
func (v featureView) same(left, right string) string {
	conditions := make([]string, len(v.Keys))
	for i := range v.Keys {
		conditions[i] = fmt.Sprintf("%[1]s.k%[3]d = %[2]s.k%[3]d", left, right, i)
	}
	return strings.Join(conditions, " AND ")
}

// featureTypes are how values of the types are held in files.
var featureTypes = map[pipeline.ColumnType]string{
	pipeline.Number: "DOUBLE", pipeline.Integer: "BIGINT", pipeline.Boolean: "BOOLEAN", pipeline.Category: "VARCHAR", pipeline.Text: "VARCHAR", pipeline.Day: "DATE",
	pipeline.Timestamp: "TIMESTAMP", pipeline.Decimal: fmt.Sprintf("DECIMAL(%d, %d)", pipeline.DecimalDigits, pipeline.DecimalPlaces),
}

// valueType is how a feature's values are held where views are joined: sums of amounts are numbers, since they may have more digits than an amount.
func (v featureView) valueType(f *feature.Feature) string {
	if f.Aggregate == feature.Sum && v.TypeOf(f) == pipeline.Decimal {
		return featureTypes[pipeline.Number]
	}
	return featureTypes[v.TypeOf(f)]
}

// featureValue is an expression as a value of the type. A zero has no sign, so that equal rows are the same rows; what is no finite number is missing.
func featureValue(expression string, of pipeline.ColumnType) string {
	switch of {
	case pipeline.Number:
		return fmt.Sprintf("CASE WHEN CAST(%[1]s AS DOUBLE) = 0 THEN 0.0::DOUBLE WHEN isfinite(CAST(%[1]s AS DOUBLE)) THEN CAST(%[1]s AS DOUBLE) END", expression)
	case pipeline.Timestamp:
		return fmt.Sprintf("make_timestamp(epoch_us(%s))", expression)
	}
	return fmt.Sprintf("CAST(%s AS %s)", expression, featureTypes[of])
}

// instant is a column of time as microseconds, see instantOf.
func (s session) instant(relation, column string) (string, error) {
	of, err := s.typeOf(relation, column)
	if err != nil {
		return "", err
	}
	return instantOf(of, column)
}

// instantOf is a column of a type of DuckDB's as microseconds; a date is its beginning in UTC.
func instantOf(of, column string) (string, error) {
	switch {
	case of == "DATE":
		return fmt.Sprintf("epoch_us(CAST(%s AS TIMESTAMP))", quote(column)), nil
	case strings.HasPrefix(of, "TIMESTAMP"):
		return fmt.Sprintf("epoch_us(%s)", quote(column)), nil
	}
	return "", fault.New(fault.Invalid, "column %q is of type %s; a date or a timestamp is wanted", column, of)
}

// keyText is a column of a relation, by its name there, as the text of a key: as a file of rows would hold it, so that whole numbers are their digits also where a program
// wrote them as fractions, as those that write missing ones as NaN do.
func (s session) keyText(relation, as, column string) (string, error) {
	of, err := s.typeOf(relation, column)
	plain := fmt.Sprintf("CAST(%s.%s AS VARCHAR)", as, quote(column))
	if of != "DOUBLE" && of != "FLOAT" {
		return plain, err
	}
	return fmt.Sprintf("CASE WHEN abs(%[1]s.%[2]s) < 1e15 AND %[1]s.%[2]s = trunc(%[1]s.%[2]s) THEN CAST(CAST(%[1]s.%[2]s AS BIGINT) AS VARCHAR) ELSE %[3]s END", as, quote(column), plain), err
}

// typeOf is DuckDB's type of a column.
func (s session) typeOf(relation, column string) (of string, err error) {
	err = s.one(fmt.Sprintf("SELECT column_type FROM (DESCRIBE %s) WHERE column_name = %s", relation, text(column)), &of)
	return of, fault.Wrap(fault.Internal, err, "the type of %s", column)
}

// dayOf is the day of an instant, counted from 1970-01-01.
func dayOf(instant string) string {
	return fmt.Sprintf("(CAST(make_timestamp(%s) AS DATE) - DATE '1970-01-01')", instant)
}

// micros is a span in microseconds.
func micros(s feature.Span) int64 { return time.Duration(s).Microseconds() }

// parquetFormat is how files are written. A session may write the named file alone, and not one beside it that is renamed; so whoever writes removes what was not finished.
const parquetFormat = "(FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false)"

// parquetFiles is the relation of all rows of files; without any it has no rows and the given columns.
func parquetFiles(paths []string, none, options string) string {
	if len(paths) == 0 {
		return fmt.Sprintf("(SELECT %s WHERE false)", none)
	}
	quoted := make([]string, len(paths))
	for i, path := range paths {
		quoted[i] = text(path)
	}
	return fmt.Sprintf("read_parquet([%s]%s)", strings.Join(quoted, ", "), options)
}
