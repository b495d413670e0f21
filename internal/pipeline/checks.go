package pipeline

// The rules below are those of a spec, for documents that hold a part of one. They note mistakes as Wrong does.

// CheckRelation looks at a set of rows.
func (d *Document) CheckRelation(path string, r *Relation) {
	if len(r.kinds()) == 0 {
		d.Wrong(path, "%s is without data; give uri (CSV, Parquet or JSON lines), csv, parquet, jsonl or postgres", path)
		return
	}
	d.c.relation(path, r)
}

// CheckSimulate looks at a simulated source.
func (d *Document) CheckSimulate(path string, s *Simulate) { d.c.simulate(path, s) }

// CheckColumn looks at a column, its name and what is allowed in it.
func (d *Document) CheckColumn(path string, column Column) { d.c.column(path, column) }

// CheckCleaning looks at steps that clean columns of these types; elsewhere ends "column NAME is ..." of one that is none of them.
func (d *Document) CheckCleaning(path string, steps []CleanStep, columns map[string]ColumnType, elsewhere string) {
	of := func(name string) (ColumnType, bool) {
		of, known := columns[name]
		return of, known
	}
	d.c.clean(path, steps, typed{of: of, elsewhere: elsewhere})
}

// CheckRules looks at conditions across columns.
func (d *Document) CheckRules(path string, rules []Rule) { d.c.conditions(path, rules) }

// CheckShare looks at a number from 0 to 1.
func (d *Document) CheckShare(path string, value float64) { d.c.share(path, value) }
