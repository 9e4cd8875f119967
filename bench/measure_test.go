// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{1, 1, 1, 1000, 1}, 1},
	} {
		if got := median(c.in); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.in, got, c.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
	in := []float64{3, 1, 2}
	median(in)
	if diff := cmp.Diff([]float64{3, 1, 2}, in); diff != "" {
		t.Errorf("median reordered its argument: %s", diff)
	}
}

// scripted gives the figures of a side one after the other and notes whose turn it was.
func scripted(name string, turns *[]string, figures ...float64) contender {
	i := 0
	return contender{name, func(context.Context) (sample, error) {
		*turns = append(*turns, name)
		i++
		return sample{figure: figures[i-1], cpu: 2 * figures[i-1]}, nil
	}}
}

func TestCompareTakesTurnsAndDropsTheFirstRound(t *testing.T) {
	var turns []string
	c := comparison{label: "l", unit: recordsPerSecond,
		a: scripted("A", &turns, 1, 100, 200, 50),
		b: scripted("B", &turns, 1e9, 300, 200, 200)}
	r, err := compare(t.Context(), c, 3, bothSides)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, ""); got != "ABABABAB" {
		t.Errorf("turns %s, want ABABABAB", got)
	}
	if r.a != 100 || r.b != 200 {
		t.Errorf("medians %v and %v, want 100 and 200", r.a, r.b)
	}
	if r.aCPU != 200 || r.bCPU != 400 {
		t.Errorf("processor times %v and %v, want 200 and 400", r.aCPU, r.bCPU)
	}
	if r.ratio != 3 || r.lowest != 1 || r.highest != 4 {
		t.Errorf("ratio %v (%v to %v), want 3 (1 to 4)", r.ratio, r.lowest, r.highest)
	}
}

func TestRatioOfTimesIsTheOtherWayRound(t *testing.T) {
	var turns []string
	c := comparison{unit: microseconds, a: scripted("A", &turns, 1, 100), b: scripted("B", &turns, 1, 25)}
	r, err := compare(t.Context(), c, 1, bothSides)
	if err != nil {
		t.Fatal(err)
	}
	if r.ratio != 4 {
		t.Errorf("ratio %v, want 4: a quarter of the time is four times as fast", r.ratio)
	}
}

func TestCompareStopsAtAFailedSideAndAtNoFigure(t *testing.T) {
	broken := errors.New("broken")
	var turns []string
	c := comparison{unit: recordsPerSecond, a: scripted("A", &turns, 1, 1),
		b: contender{"B", func(context.Context) (sample, error) { return sample{}, broken }}}
	if _, err := compare(t.Context(), c, 1, bothSides); !errors.Is(err, broken) {
		t.Errorf("err = %v, want %v", err, broken)
	}
	c.b = scripted("B", &turns, 0)
	if _, err := compare(t.Context(), c, 1, bothSides); err == nil {
		t.Error("a rate of 0 passed for a figure")
	}
}

func TestOneSideAloneHasNoRatio(t *testing.T) {
	var turns []string
	c := comparison{unit: recordsPerSecond, a: scripted("A", &turns, 1, 1), b: scripted("B", &turns, 1, 7)}
	r, err := compare(t.Context(), c, 1, sideB)
	if err != nil {
		t.Fatal(err)
	}
	if r.b != 7 || !math.IsNaN(r.a) || !math.IsNaN(r.ratio) {
		t.Errorf("got %+v, want b = 7 and no other figure", r)
	}
	if strings.Contains(strings.Join(turns, ""), "A") {
		t.Error("the side that was left out ran")
	}
}
