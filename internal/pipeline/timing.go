package pipeline

import (
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/loanops/loanops/internal/fault"
)

// Schedule says what a pipeline does by itself, and when.
type Schedule struct {
	// Retrain starts a training. Defaults to Mondays at three.
	Retrain Timing `yaml:"retrain" json:"retrain"`
	// Monitor looks at what the model meets, and at how well it did. Defaults to every day at two, and to Off without a column of time.
	Monitor Timing `yaml:"monitor" json:"monitor"`
}

// Timing is when something happens by itself: Off, an interval such as 24h, counted from the beginning of 1970, or a cron expression of five
// fields, such as "0 3 * * 1". Times are UTC.
type Timing string

// Off is never.
const Off Timing = "off"

// Bounds of an interval: schedules know whole seconds.
const (
	minInterval = time.Second
	maxInterval = 366 * 24 * time.Hour
)

// Interval is the time between two happenings; 0 where the timing is no interval.
func (t Timing) Interval() time.Duration {
	every, err := time.ParseDuration(string(t))
	if err != nil {
		return 0
	}
	return every
}

// Cron says that the timing is a cron expression.
func (t Timing) Cron() bool { return len(strings.Fields(string(t))) > 1 }

// cronText is what cron expressions are written with by whoever reads them alike: no ?, L, W or # and no time zone.
var cronText = regexp.MustCompile(`^[0-9A-Za-z*,/ -]+$`)

// maxCron is how many bytes a cron expression may have: schedules keep it as a comment, of which Temporal takes as many.
const maxCron = 200

// cronEpoch is a time after which a cron expression that ever fits fits within five years.
var cronEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Check says what is wrong with a timing: fault.Invalid.
func (t Timing) Check() error {
	switch every := t.Interval(); {
	case t == Off:
		return nil
	case t.Cron():
		return t.checkCron()
	case every == 0:
		return fault.New(fault.Invalid, `%q; off, an interval such as 24h or 30m, or a cron expression of five fields such as "0 3 * * 1" is wanted`, clip(string(t)))
	case every < minInterval || every > maxInterval || every%time.Second != 0:
		return fault.New(fault.Invalid, "%q; an interval of whole seconds is wanted, from 1s to 8784h", clip(string(t)))
	}
	return nil
}

// checkCron: crons differ in what a day of the month together with a day of the week means, so one of them stays *.
func (t Timing) checkCron() error {
	fields := strings.Fields(string(t))
	if len(fields) != 5 || !cronText.MatchString(string(t)) {
		return fault.New(fault.Invalid, `%q; a cron expression has five fields (minute, hour, day of the month, month, day of the week) of numbers, names, *, commas, - and /, such as "0 3 * * 1"`, clip(string(t)))
	}
	if len(t) > maxCron {
		return fault.New(fault.Invalid, "%q has %d characters; at most %d are wanted, such as 8-18 for the hours from 8 to 18", clip(string(t)), len(t), maxCron)
	}
	if fields[2] != "*" && fields[4] != "*" {
		return fault.New(fault.Invalid, "%q names a day of the month and a day of the week, which not every cron reads alike; leave one of them *", clip(string(t)))
	}
	when, err := cron.ParseStandard(string(t))
	if err != nil {
		return fault.New(fault.Invalid, "%q is no cron expression: %s", clip(string(t)), clip(err.Error()))
	}
	if when.Next(cronEpoch).IsZero() {
		return fault.New(fault.Invalid, "%q is never: there is no such day", clip(string(t)))
	}
	return nil
}
