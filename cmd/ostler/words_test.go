package main

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWords(t *testing.T) {
	w, err := parseWords(
		[]string{"-Da=3", "--set", "x=1", "--set=y=2=3", "-Xss1m", "--strict", "zoo.cfg"},
		`-Xmx512M "-Da=1 1" -Db`, "-Da=2 -javaagent:/x.jar odd")
	if err != nil {
		t.Fatal(err)
	}
	want := serverWords{
		args: []string{"zoo.cfg"}, props: map[string]string{"a": "3", "b": ""},
		override: map[string]string{"x": "1", "y": "2=3"},
		jvm:      []string{"-Xmx512M", "-javaagent:/x.jar", "odd", "-Xss1m"}, strict: true,
	}
	if d := cmp.Diff(want, w, cmp.AllowUnexported(serverWords{}, shadowWords{})); d != "" {
		t.Errorf("words (-want +got):\n%s", d)
	}
	for _, args := range [][]string{{"--set=x"}, {"-q"}, {"--sett=x=1"}, {"-D"}} {
		if w, err := parseWords(args); err == nil {
			t.Errorf("%q: %+v", args, w)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" a  b\tc\n", []string{"a", "b", "c"}},
		{`"a b"c 'd "e'`, []string{"a bc", `d "e`}},
		{`""`, []string{""}},
		{`"open`, []string{"open"}},
	} {
		if d := cmp.Diff(tc.want, splitWords(tc.in)); d != "" {
			t.Errorf("%q (-want +got):\n%s", tc.in, d)
		}
	}
}

func TestLogLevel(t *testing.T) {
	for _, tc := range []struct {
		threshold, root string
		want            slog.Level
	}{
		{"", "", slog.LevelInfo},
		{"", "DEBUG,CONSOLE", slog.LevelDebug},
		{"WARN", "INFO,CONSOLE", slog.LevelWarn},
		{"FATAL", "", slog.LevelError},
		{"?", "CONSOLE", slog.LevelInfo},
	} {
		w := serverWords{props: map[string]string{"zookeeper.console.threshold": tc.threshold, "zookeeper.root.logger": tc.root}}
		if got := w.logLevel(); got != tc.want {
			t.Errorf("%q %q: got %v, want %v", tc.threshold, tc.root, got, tc.want)
		}
	}
}

// A folder with any name survives the trip through zoo.cfg.
func TestPropertyText(t *testing.T) {
	if got, want := propertyText(`/a b\é😀`), `/a b\\\u00e9\ud83d\ude00`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
