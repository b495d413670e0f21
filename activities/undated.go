package activities

import (
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// daysBefore is what the last look of an earlier day that had enough rows counted of the source, whichever champion it was at, or else what was counted when
// the champion was made. What a look that had too few saw is new in the next one too.
func daysBefore(looks []registry.Look, asOf string, made facts) monitor.Days {
	days, last := monitor.Days{Dated: made.Checked.Rows - made.Undated, Undated: made.Undated}, ""
	for _, look := range looks { // newest first
		if look.Enough && look.Days != nil && look.AsOf < asOf && look.AsOf > last {
			days, last = *look.Days, look.AsOf
		}
	}
	return days
}

// Days counts all rows of the source, where those after a day were asked for: these leave out the rows of no day.
func (o ExtractOutput) Days() monitor.Days {
	return monitor.Days{Dated: o.Earlier + o.Rows + o.Refused + o.Later, Undated: o.Undated}
}
