package pipeline

// Outcomes are what became of applications, where that is no column of the source: a relation of its own, of which any number of rows may speak
// of one application, each as it became known. See dataset.Label for when a label counts.
type Outcomes struct {
	Relation       `yaml:",inline"`
	OutcomeColumns `yaml:",inline"`
}

// OutcomeColumns are the columns that are taken of outcomes, by their names after renaming; all others are left out.
type OutcomeColumns struct {
	// Entity names the application, as the source's entity column does. Defaults to that one's name.
	Entity string `yaml:"entity" json:"entity"`
	// Label holds what happened, and becomes the label column. Defaults to that one's name.
	Label string `yaml:"label" json:"label"`
	// KnownAt is the day on which, or with the type timestamp the instant at which, the row became known. Of the rows of one application that
	// were known on a run's day the latest counts; of several of the same day or instant, the last in the order of the relation.
	KnownAt string `yaml:"known_at" json:"known_at"`
}

// fill takes the names that a spec leaves out from the columns of applications.
func (o *Outcomes) fill(s *Spec) {
	if o.Entity == "" {
		o.Entity = s.Entity
	}
	if o.Label == "" {
		o.Label = s.Label.Column
	}
}

// dates says whether a column is the one with the day on which outcomes became known.
func (o *Outcomes) dates(name string) bool { return o != nil && name != "" && name == o.KnownAt }

// named says whether cleaning and types may name a column.
func (s *Spec) named(name string) bool { return s.Knows(name) || s.Outcomes.dates(name) }

func (c *checker) outcomes(s *Spec) {
	o := s.Outcomes
	if o == nil {
		return
	}
	switch {
	case len(o.kinds()) == 0:
		c.wrongAt("outcomes", "outcomes is without data; give outcomes.uri (CSV, Parquet or JSON lines), or outcomes.postgres")
		return
	case s.Source.Simulate != nil:
		c.wrongAt("outcomes", "outcomes needs source.uri: a simulated source brings its own")
	case s.Entity == "":
		c.wrongAt("outcomes", "outcomes needs entity, the column that identifies an application")
	case o.KnownAt == "":
		c.wrongAt("outcomes", "outcomes.known_at is missing; name the column with the day on which an outcome became known")
	case o.KnownAt == o.Entity || o.KnownAt == o.Label:
		c.wrongAt("outcomes.known_at", "outcomes.known_at names %q, which is another column of outcomes already", clip(o.KnownAt))
	case o.Entity == o.Label && o.Label != "":
		c.wrongAt("outcomes.label", "outcomes.label names %q, which is outcomes.entity already", clip(o.Label))
	}
	c.relation("outcomes", &o.Relation)
}
