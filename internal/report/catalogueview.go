package report

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/profile"
)

// CatalogueHTML renders a page of all that is declared. The same catalogue gives the same bytes. No row is on the page.
func CatalogueHTML(c Catalogue) ([]byte, error) {
	v := catalogueView{Catalogue: c, Groups: []catalogueGroup{
		{Kind: feature.KindView, Name: "Views"}, {Kind: feature.KindService, Name: "Services"}, {Kind: feature.KindExpression, Name: "Expressions"}, {Kind: feature.KindEntity, Name: "Entities"},
	}}
	for i := range c.Declared {
		d := &c.Declared[i]
		for k := range v.Groups {
			if v.Groups[k].Kind == d.Kind {
				v.Groups[k].Each = append(v.Groups[k].Each, v.entry(d))
			}
		}
	}
	v.Tiles = v.tiles()
	return render("catalogue.html", "Features", v)
}

type catalogueView struct {
	Catalogue
	Groups []catalogueGroup
	Tiles  []tile
}

type catalogueGroup struct {
	Kind feature.Kind
	Name string
	Each []catalogueEntry
}

// catalogueEntry is the card of a definition.
type catalogueEntry struct {
	*Declared
	About     feature.About
	Find      string // what a search looks through
	Facts     [][2]string
	Features  []catalogueFeature
	Links     []catalogueLink // what a service has, what an expression reads
	Formula   string
	Fresh     *freshnessView
	YAML      string
	Models    []ModelsOf
	Older     []DeclaredVersion
	Ahead     []catalogueStaged
	Described bool // its features have statistics
}

type catalogueLink struct{ Text, To string }

// catalogueStaged is a further version that can be read.
type catalogueStaged struct {
	DeclaredVersion
	Fresh *freshnessView
	YAML  string
}

// catalogueFeature is a row of a view's table, and what unfolds below it.
type catalogueFeature struct {
	*feature.Feature
	ID, Reference, Find             string
	Type, Window, Range, Default    string
	Owner                           string
	Missing, MissingWidth, Distinct string
	Middle, MiddleNote              string
	Spark, Distribution             template.HTML
	Figures                         [][2]string
	Pipelines, Named                []string
	Models                          []ModelsOf
	Users                           int
	Beside                          []catalogueBeside
	Rare                            bool // it has values, of too few entities each to be told
}

// catalogueBeside is the same feature in a version that is staged.
type catalogueBeside struct {
	Version         int
	Missing, Middle string
	Distribution    template.HTML
	Gone            bool
}

// freshnessView is an age that the page keeps up to date.
type freshnessView struct {
	*Freshness
	Word, Age, Promise string
	Seconds            int64 // of Until, since 1970
}

func (c *Catalogue) fresh(f *Freshness) *freshnessView {
	if f == nil {
		return nil
	}
	v := &freshnessView{Freshness: f, Word: string(f.State)}
	if f.Promised > 0 {
		v.Promise = Age(f.Promised)
	}
	switch f.State {
	case Absent:
		v.Word = "not materialized"
	case Unpromised:
		v.Word = "no promise"
	case Fresh, Stale:
	}
	if f.Until != nil {
		v.Age, v.Seconds = Age(f.Age), f.Until.Unix()
	}
	return v
}

func (v *catalogueView) entry(d *Declared) catalogueEntry {
	e := catalogueEntry{Declared: d, About: *d.Of.About(), YAML: DefinitionYAML(d.Kind, d.Document), Models: ModelsTogether(d.Used.Models), Fresh: v.fresh(d.Freshness)}
	for _, version := range d.Versions {
		if version.Version != d.Version {
			e.Older = append(e.Older, version)
		}
	}
	for i := range d.Staged {
		s := &d.Staged[i]
		ahead := catalogueStaged{Fresh: v.fresh(s.Freshness), YAML: DefinitionYAML(d.Kind, s.Document)}
		for _, version := range d.Versions {
			if version.Version == s.Version {
				ahead.DeclaredVersion = version
			}
		}
		e.Ahead = append(e.Ahead, ahead)
	}
	words := []string{string(d.Kind), d.Name, e.About.Description, e.About.Owner, strings.Join(e.About.Tags, " ")}
	fact := func(name, value string) {
		if value != "" {
			e.Facts = append(e.Facts, [2]string{name, value})
		}
	}
	fact("owner", e.About.Owner)
	switch d.Kind {
	case feature.KindView:
		of := d.Of.View
		words = append(words, of.Entity)
		fact("about", of.Entity)
		fact("rows from", sourceOf(of))
		if of.SQL != nil {
			e.Formula = strings.TrimSpace(of.SQL.Query)
		}
		if of.TTL > 0 {
			fact("TTL", of.TTL.String())
		}
		if s := d.Statistics; s != nil {
			fact("rows", thousands(int(s.Rows))+" of "+thousands(s.Days)+" days")
			fact("entities", thousands(int(s.Entities)))
			fact("as known on", minute(s.At.Time()))
		}
		if f := d.Freshness; f != nil && f.Newest != nil {
			fact("newest event", minute(*f.Newest))
		}
		if len(of.Rules) > 0 {
			fact("rules", strconv.Itoa(len(of.Rules)))
		}
		e.Described = d.Statistics != nil
		for i := range of.Features {
			e.Features = append(e.Features, v.feature(d, &of.Features[i]))
		}
	case feature.KindExpression:
		of := d.Of.Expression
		words = append(words, of.Reason, of.Unit, of.Expression)
		e.Formula = of.Expression
		fact("type", string(of.Type))
		fact("unit", of.Unit)
		fact("range", rangeOf(of.Min, of.Max, of.Domain))
		fact("reason", of.Reason)
		e.Links = v.links(of.Features)
	case feature.KindService:
		e.Links = v.links(d.Of.Service.Features)
	case feature.KindEntity:
		fact("keys", strings.Join(d.Of.Entity.Keys, ", "))
	}
	e.Find = strings.ToLower(strings.Join(words, " "))
	return e
}

// minute is a moment as precisely as a person asks for.
func minute(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") }

// links lead from references to where the page tells of what they name.
func (v *catalogueView) links(references []string) (links []catalogueLink) {
	for _, text := range references {
		name, of, isFeature := strings.Cut(text, ":")
		name, _, _ = strings.Cut(name, "@")
		link := catalogueLink{Text: text, To: "d-" + name}
		if isFeature {
			link.To = "f-" + name + "-" + of
		}
		links = append(links, link)
	}
	return links
}

func (v *catalogueView) feature(d *Declared, f *feature.Feature) catalogueFeature {
	view := d.Of.View
	row := catalogueFeature{
		Feature: f, ID: "f-" + d.Name + "-" + f.Name, Reference: d.Name + ":" + f.Name, Type: string(view.TypeOf(f)), Window: WindowOf(f), Range: RangeOf(view, f), Owner: view.OwnerOf(f),
		Missing: "–", MissingWidth: "0", Distinct: "–", Middle: "–",
	}
	if f.Default != nil {
		row.Default = fmt.Sprint(f.Default)
	}
	row.Find = strings.ToLower(strings.Join([]string{"feature", f.Name, row.Reference, f.Description, row.Owner, f.Unit, f.Reason, strings.Join(f.Tags, " "), view.Entity, string(f.Aggregate), row.Type}, " "))
	row.measure(d)
	for _, p := range d.Used.Pipelines {
		if slices.Contains(p.Features, f.Name) {
			row.Pipelines = append(row.Pipelines, fmt.Sprintf("%s takes version %d", p.Pipeline, p.Version))
		}
	}
	models := []UsedModel{}
	for _, m := range d.Used.Models {
		if slices.Contains(m.Features, f.Name) {
			m.Features = nil
			models = append(models, m)
		}
	}
	row.Models = ModelsTogether(models)
	row.Named = v.naming(d.Name, f.Name)
	row.Users = len(row.Pipelines)
	for i := range d.Staged {
		row.beside(&d.Staged[i])
	}
	return row
}

// naming are the definitions of the page that name a feature.
func (v *catalogueView) naming(view, name string) (by []string) {
	for i := range v.Declared {
		d := &v.Declared[i]
		var references []string
		switch d.Kind {
		case feature.KindService:
			references = d.Of.Service.Features
		case feature.KindExpression:
			references = d.Of.Expression.Features
		case feature.KindEntity, feature.KindView:
		}
		if slices.ContainsFunc(references, func(text string) bool {
			of, one, isFeature := strings.Cut(text, ":")
			of, _, _ = strings.Cut(of, "@")
			return of == view && (!isFeature || one == name)
		}) {
			by = append(by, d.Name)
		}
	}
	return by
}

// measure puts a feature's statistics into its row.
func (f *catalogueFeature) measure(d *Declared) {
	c := d.Statistics.Feature(f.Name)
	if c == nil {
		return
	}
	entities := int(d.Statistics.Entities)
	f.Missing, f.MissingWidth, f.Distinct = percent(c.Missing, entities), width(float64(c.Missing), float64(entities)), thousands(c.Distinct)
	f.Figures = facts(*c, entities)
	f.Middle, f.MiddleNote = middleOf(*c)
	f.Spark, f.Distribution = drawn(*c, entities)
	f.Rare = f.Distribution == "" && c.Missing < entities
}

// beside puts the same feature of a version that is staged beside it.
func (f *catalogueFeature) beside(staged *Declared) {
	b := catalogueBeside{Version: staged.Version, Gone: staged.Of.View.Feature(f.Name) == nil}
	if c := staged.Statistics.Feature(f.Name); c != nil {
		b.Missing = percent(c.Missing, int(staged.Statistics.Entities))
		b.Middle, _ = middleOf(*c)
		_, b.Distribution = drawn(*c, int(staged.Statistics.Entities))
	}
	f.Beside = append(f.Beside, b)
}

// middleOf is a typical value: the median of numbers, with the range of most of them, or the most frequent text.
func middleOf(c profile.Column) (middle, note string) {
	switch {
	case c.Numbers != nil && c.Type == dataset.Boolean:
		return fmt.Sprintf("%.1f %% true", 100*c.Numbers.Mean), ""
	case c.Numbers != nil:
		return tickOf(c, c.Numbers.Median), tickOf(c, c.Numbers.Q05) + " – " + tickOf(c, c.Numbers.Q95)
	case len(c.Top) > 0:
		return shorten(c.Top[0].Text), "most frequent"
	}
	return "–", ""
}

// drawn are the small and the large plot of a distribution; none of values that may not be told.
func drawn(c profile.Column, rows int) (small, large template.HTML) {
	switch {
	case c.Numbers != nil && len(c.Numbers.Histogram.Bars) > 0:
		return spark(c.Numbers.Histogram.Bars), histogram(c)
	case len(c.Top) > 0:
		shown := textBars(c, rows)
		return spark(shown.bars), levels(c, shown)
	}
	return "", ""
}

// tiles are the page in a few figures.
func (v *catalogueView) tiles() []tile {
	views, features, stale, absent, staged := 0, 0, 0, 0, 0
	for i := range v.Declared {
		d := &v.Declared[i]
		staged += len(d.Staged)
		if d.Stage == feature.Staged {
			staged++
		}
		if d.Kind != feature.KindView {
			continue
		}
		views++
		features += len(d.Of.View.Features)
		switch d.Freshness.State {
		case Stale:
			stale++
		case Absent:
			absent++
		case Fresh, Unpromised:
		}
	}
	newest := tile{"Newest change", "–", "nothing was declared yet"}
	if len(v.Changes) > 0 {
		newest = tile{"Newest change", v.Changes[0].At.UTC().Format(time.DateOnly), v.Changes[0].Name + ", by " + v.Changes[0].Actor}
	}
	note := "all as promised"
	switch {
	case stale+absent > 0:
		note = fmt.Sprintf("%d stale, %d not materialized", stale, absent)
	case views == 0:
		note = "there is no view"
	}
	return []tile{
		{"Features", thousands(features), "of " + counted(views, "view", "views")},
		{"Views to look at", thousands(stale + absent), note},
		{"Staged versions", thousands(staged), "can be read beside those in use"},
		newest,
	}
}

// shownChanges are listed; the others are unfolded.
const shownChanges = 12

// Parts are the single differences.
func (v DeclaredVersion) Parts() []string { return partsOf(v.What) }

// Parts are the single differences.
func (c DeclaredChange) Parts() []string { return partsOf(c.What) }

// difference is how feature.Plan words one: a field that is gone, is new, or was something else.
var difference = regexp.MustCompile(`^(version \d+ -> \d+$|and \d+ more$|\S+ (is gone|is new): |\S+ .* -> )`)

// partsOf takes apart what feature.Plan.Rows put together; what is done, which the first word says, is seen by the stage. A part that is no difference belongs to the one
// before it, whose text has what parts differences.
func partsOf(what string) (parts []string) {
	for i, part := range strings.Split(what, "; ") {
		if i > 1 && !difference.MatchString(part) {
			parts[len(parts)-1] += "; " + part
			continue
		}
		parts = append(parts, part)
	}
	if len(parts) > 1 {
		parts = parts[1:]
	}
	return parts
}

// Anchor is where the page tells of a definition: entities have a name space of their own.
func (d Declared) Anchor() string { return anchor(d.Kind, d.Name) }

// Anchor is where the page tells of what changed.
func (c DeclaredChange) Anchor() string { return anchor(c.Kind, c.Name) }

func anchor(kind feature.Kind, name string) string {
	if kind == feature.KindEntity {
		return "e-" + name
	}
	return "d-" + name
}

// Recent are the newest changes.
func (v catalogueView) Recent() []DeclaredChange {
	return v.Changes[:min(len(v.Changes), shownChanges)]
}

// Earlier are those before.
func (v catalogueView) Earlier() []DeclaredChange {
	return v.Changes[min(len(v.Changes), shownChanges):]
}
