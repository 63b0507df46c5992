// Package mutants puts bugs into a copy of the source on purpose and wants the
// simulator, or a test nearer to the bug, to find each of them.
package mutants

import (
	"cmp"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	runFlag   = flag.Bool("mutants", false, "run the tests on each mutant; takes minutes")
	writeFlag = flag.Bool("mutants.write", false, "write what finds each mutant to docs/internals/mutants.md")
	seedsFlag = flag.Int("mutants.seeds", 0, "seeds for each mutant, instead of the table's")
)

// A mutant is one bug, made by some edits.
type mutant struct {
	// defect is what it is in quorum.md 7.4 (A to F) and 7.5 (numbers of JIRA), empty
	// if it is in neither. rule is what it breaks: R numbers of quorum.md 7.6.
	defect, rule string
	name         string
	edits        []edit
	pkg          string // whose tests find it; internal/sim if empty
	run          string // the test that finds it; TestSeeds if empty
	seeds        int    // found within so many, where seeds are drawn
	// harmless: how many of the first edits alone must not be found, since what
	// they do is borne by the code that the rest breaks.
	harmless int
}

// An edit turns old, which must be in file exactly once, into new.
type edit struct{ file, old, new string }

// TestTable keeps the edits in step with the source; it is quick and always runs.
func TestTable(t *testing.T) {
	for _, m := range table {
		for _, e := range m.edits {
			b, err := os.ReadFile(filepath.Join("../..", e.file))
			if err != nil {
				t.Errorf("%s: %v", m.name, err)
				continue
			}
			if n := strings.Count(string(b), e.old); n != 1 {
				t.Errorf("%s: %s holds the old text %d times, want 1: %q", m.name, e.file, n, e.old)
			}
		}
	}
}

// TestMutants runs tests on a copy of the module: first as it is, which must
// pass, since otherwise a failure says nothing about a mutant.
func TestMutants(t *testing.T) {
	if !*runFlag {
		t.Log("mutants are not run without -mutants")
		return
	}
	dir := copyModule(t)
	passed := make(map[string]bool)
	for _, m := range table {
		t.Run(m.name, func(t *testing.T) {
			m.unchanged(t, dir, passed)
			if message := m.test(t, dir); message != "" && *writeFlag {
				writeRow(t, m, message)
			}
		})
	}
}

// unchanged runs the test that is to find m, once for all that it is to find.
func (m mutant) unchanged(t *testing.T, dir string, passed map[string]bool) {
	t.Helper()
	pkg, run := m.where()
	if passed[pkg+run] {
		return
	}
	if out, err := runTests(t, dir, pkg, run, 200); err != nil {
		t.Fatalf("the source as it is fails, so mutants prove nothing: %v\n%s", err, out)
	}
	passed[pkg+run] = true
}

// where is what finds m.
func (m mutant) where() (pkg, run string) {
	return cmp.Or(m.pkg, "internal/sim"), cmp.Or(m.run, "TestSeeds")
}

// found is what a test prints that fails, and what a broken invariant prints.
var found = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+:\s*(.*)$|^panic: (invariant broken: .*)$`)

// test puts m in and returns how it was found.
func (m mutant) test(t *testing.T, dir string) (message string) {
	t.Helper()
	pkg, run := m.where()
	seeds := m.seeds
	if *seedsFlag > 0 {
		seeds = *seedsFlag
	}
	for i, e := range m.edits {
		if i == m.harmless && i > 0 {
			if out, err := runTests(t, dir, pkg, run, seeds); err != nil {
				t.Fatalf("the first %d edits alone are found: %v\n%s", i, err, out)
			}
		}
		undo := e.apply(t, dir)
		defer undo()
	}
	out, err := runTests(t, dir, pkg, run, seeds)
	hit := found.FindStringSubmatch(out)
	switch {
	case err == nil:
		t.Errorf("not found by %s in %s", run, pkg)
	case hit == nil:
		t.Errorf("failed without the message of a checker: %v\n%s", err, out)
	default:
		message = hit[1] + hit[2]
		t.Logf("%s %s: %.400s", m.defect, m.rule, message)
	}
	return message
}

// apply makes an edit in the copy; undo takes it back.
func (e edit) apply(t *testing.T, dir string) (undo func()) {
	t.Helper()
	path := filepath.Join(dir, e.file)
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(original), e.old); n != 1 {
		t.Fatalf("%s holds the old text %d times, want 1: %q", e.file, n, e.old)
	}
	write(t, path, []byte(strings.Replace(string(original), e.old, e.new, 1)))
	return func() { write(t, path, original) }
}

func runTests(t *testing.T, dir, pkg, run string, seeds int) (string, error) {
	t.Helper()
	args := []string{"test", "./" + pkg, "-trimpath", "-vet=off", "-count=1", "-timeout=10m", "-run=^(" + run + ")$"}
	if pkg == "internal/sim" && seeds > 0 {
		args = append(args, "-sim.seeds="+strconv.Itoa(seeds))
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copyModule copies what belongs to the module: tracked files and new ones.
func copyModule(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = "../.."
	list, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the files of the module: %v", err)
	}
	dir := t.TempDir()
	for _, name := range strings.Split(strings.TrimRight(string(list), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, to, b)
	}
	return dir
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
