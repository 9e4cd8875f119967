// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/pprof"
	"slices"
)

// contender is one side of a comparison. round measures once; whatever must
// not be timed (set-up, checks of what was written) it does before and after
// its own clock runs.
type contender struct {
	name  string
	round func(ctx context.Context) (sample, error)
}

// sample is what one round gave.
type sample struct {
	figure float64 // in the comparison's unit
	// cpu is the processor time that a record took, of all cores together, in
	// microseconds; 0 where it was not measured. It says what a figure costs,
	// and moves less than the figure when others use the machine.
	cpu float64
}

// comparison is one line of a table.
type comparison struct {
	label string
	unit  unit
	a, b  contender // a is what b is measured against
}

// unit says how figures read and which way is better.
type unit struct {
	name       string
	lessIsMore bool // a time or a size: the smaller the better
}

var (
	recordsPerSecond = unit{name: "records/s"}
	megabytesPerSec  = unit{name: "MB/s"}
	microseconds     = unit{name: "µs", lessIsMore: true}
	milliseconds     = unit{name: "ms", lessIsMore: true}
	mebibytes        = unit{name: "MiB", lessIsMore: true}
)

// result is what a comparison gave. The ratio is the median of the ratios
// within each round, always the way round in which more than 1 is in b's
// favour; lowest and highest are the rounds' extremes.
type result struct {
	label                  string
	unit                   unit
	aName, bName           string
	a, b                   float64 // medians; NaN where a side was left out
	aCPU, bCPU             float64 // medians of the processor time; NaN where not measured
	ratio, lowest, highest float64
}

// Sides of a run, for -side.
const (
	bothSides = "both"
	sideA     = "neighbour"
	sideB     = "ours"
)

// compare runs both sides in turn: one discarded round each, then rounds of
// A B A B …, so that what slows the machine down for a while slows both.
func compare(ctx context.Context, c comparison, rounds int, sides string) (result, error) {
	r := result{label: c.label, unit: c.unit, aName: c.a.name, bName: c.b.name, ratio: math.NaN(), lowest: math.NaN(), highest: math.NaN()}
	var as, bs []sample
	for i := range rounds + 1 {
		warming := i == 0
		if sides != sideB {
			f, err := once(ctx, sideA, c.a)
			if err != nil {
				return r, err
			}
			if !warming {
				as = append(as, f)
			}
		}
		if sides != sideA {
			f, err := once(ctx, sideB, c.b)
			if err != nil {
				return r, err
			}
			if !warming {
				bs = append(bs, f)
			}
		}
	}
	r.a, r.aCPU = medians(as)
	r.b, r.bCPU = medians(bs)
	if sides == bothSides {
		ratios := ratiosOf(as, bs, c.unit)
		r.ratio, r.lowest, r.highest = median(ratios), slices.Min(ratios), slices.Max(ratios)
	}
	return r, nil
}

// once runs one round under a profiler label, so that a CPU profile can be cut
// to one side (go tool pprof -tagfocus=side=ours); what runs while the clock
// does has a label of its own (-tagfocus=clock=on).
func once(ctx context.Context, side string, c contender) (s sample, err error) {
	runtime.GC()
	pprof.Do(ctx, pprof.Labels("side", side), func(ctx context.Context) {
		s, err = c.round(ctx)
	})
	if err != nil {
		return s, fmt.Errorf("%s: %w", c.name, err)
	}
	if s.figure <= 0 || math.IsNaN(s.figure) || math.IsInf(s.figure, 0) {
		return s, fmt.Errorf("%s: measured %v, which is no figure", c.name, s.figure)
	}
	return s, nil
}

func ratiosOf(as, bs []sample, u unit) []float64 {
	ratios := make([]float64, len(as))
	for i := range as {
		if u.lessIsMore {
			ratios[i] = as[i].figure / bs[i].figure
		} else {
			ratios[i] = bs[i].figure / as[i].figure
		}
	}
	return ratios
}

func medians(ss []sample) (figure, cpu float64) {
	var figures, cpus []float64
	for _, s := range ss {
		figures = append(figures, s.figure)
		if s.cpu > 0 {
			cpus = append(cpus, s.cpu)
		}
	}
	return median(figures), median(cpus)
}

// median returns the middle value, or the mean of the two middle ones; NaN for none.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
