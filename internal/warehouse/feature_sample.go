package warehouse

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/feature"
)

// Sample returns up to limit entities of a view's rows: with another salt others, with the same salt the same, whatever order the rows are in.
func (w *Warehouse) Sample(ctx context.Context, of *feature.View, days []feature.DayFiles, salt string, limit int) (sample []feature.Key, err error) {
	v := featureView{of}
	files := make([]string, len(days))
	for i, day := range days {
		files[i] = day.Rows
	}
	err = w.session(ctx, files, func(s session) error {
		rows := viewJoin{View: v, Partitions: days}
		doing := fmt.Sprintf("view %q: a sample of its entities", v.Name)
		if err := s.exec(rows.whole("rows")); err != nil {
			return s.told(err, doing)
		}
		keys, targets := make([]string, len(v.Keys)), make([]any, len(v.Keys))
		for i := range keys {
			targets[i] = &keys[i]
		}
		// Keys may hold the separator: such entities are drawn together or not at all, and none is lost.
		drawn := fmt.Sprintf("md5(concat_ws('|', %s, %s))", text(salt), v.keys(""))
		return s.told(s.each(fmt.Sprintf("SELECT %[1]s FROM (SELECT DISTINCT %[1]s FROM rows) ORDER BY %[2]s, %[1]s LIMIT %[3]d", v.keys(""), drawn, limit), func() {
			sample = append(sample, feature.KeyOf(keys...))
		}, targets...), doing)
	})
	return sample, err
}
