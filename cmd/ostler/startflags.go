package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A startFlag is one option of start-zookeeper with its default.
type startFlag struct {
	name, value string
	check       func(value string) error
	text        string
}

// startFlags are in the order of the usage text (kubernetes.md 1.1). The last
// four are Ostler's.
var startFlags = []startFlag{
	{"servers", "1", checkCount, "number of servers in the ensemble"},
	{"data_dir", "/var/lib/zookeeper/data", checkText, "directory of snapshots and myid"},
	{"data_log_dir", "/var/lib/zookeeper/log", checkText, "directory of the transaction log"},
	{"log_dir", "/var/log/zookeeper", checkText, "directory named in java.env; logs go to standard error"},
	{"conf_dir", "/opt/zookeeper/conf", checkText, "directory of the generated files"},
	{"client_port", "2181", checkPort, "port for clients"},
	{"election_port", "3888", checkPort, "port of the election"},
	{"server_port", "2888", checkPort, "port between servers"},
	{"tick_time", "2000", checkCount, "length of a tick in ms"},
	{"init_limit", "10", checkCount, "ticks a server has to connect to a leader"},
	{"sync_limit", "5", checkCount, "ticks a server may be silent"},
	{"heap", "2G", checkSize, "written to java.env; does nothing here"},
	{"max_client_cnxns", "60", checkNumber, "connections per client address"},
	{"snap_retain_count", "3", checkNumber, "snapshots to keep"},
	{"purge_interval", "", checkNumber, "hours between purges, 0 for never (1)"},
	{"min_session_timeout", "", checkNumber, "least session timeout in ms (2 ticks)"},
	{"max_session_timeout", "", checkNumber, "greatest session timeout in ms (20 ticks)"},
	{"log_level", "INFO", checkLevel, "FATAL, ERROR, WARN, INFO or DEBUG"},
	{"four_letter_words", tutorialWords, checkText, "words that are answered"},
	{"hostname", "", checkText, "host name with domain, if not the machine's"},
	{"listen_all", "true", checkBool, "listen for servers on all addresses, not only the own name's"},
	{"force_id", "false", checkBool, "true: accept a myid of another ordinal"},
}

// tutorialWords are those that ZooKeeper 3.4 answered, which the tutorial uses.
const tutorialWords = "conf,cons,crst,dirs,dump,envi,gtmk,hash,isro,mntr,ruok,srst,srvr,stat,stmk,wchs"

const startHelp = `Write zoo.cfg, java.env, log4j.properties and myid for the pod of a StatefulSet,
and run a server with them. Number and domain come from the host name.`

var errStartUsage = errors.New("usage asked for")

// startOptions are the values given, with defaults for the rest.
type startOptions struct {
	values map[string]string
	given  map[string]bool
}

// parseStart reads the image's options: --name=value, and --name value too. The
// first word that is no option ends them.
func parseStart(stderr io.Writer, args []string) (startOptions, error) {
	o := startOptions{values: map[string]string{}, given: map[string]bool{}}
	for _, f := range startFlags {
		o.values[f.name] = f.value
	}
	for i := 0; i < len(args); i++ {
		word := args[i]
		long, isLong := strings.CutPrefix(word, "--")
		switch {
		case isLong && long != "":
			name, value, hasValue := strings.Cut(long, "=")
			if hasValue {
				value = value[strings.LastIndexByte(value, '=')+1:] // everything behind the last =
			} else if i+1 < len(args) && known(name) {
				i++
				value, hasValue = args[i], true
			}
			if !known(name) || !hasValue {
				return o, fmt.Errorf("Unknown option --%s", name) //nolint:staticcheck // The image's text.
			}
			if err := o.set(name, value); err != nil {
				return o, err
			}
		case word == "-h":
			return o, errStartUsage
		case word == "-v":
			fmt.Fprintln(stderr, "Parsing option: '-v'")
		case strings.HasPrefix(word, "-") && word != "-":
			fmt.Fprintf(stderr, "Non-option argument: '%s'\n", word)
		default:
			return o, nil
		}
	}
	return o, nil
}

func known(name string) bool {
	for _, f := range startFlags {
		if f.name == name {
			return true
		}
	}
	return false
}

func (o startOptions) set(name, value string) error {
	for _, f := range startFlags {
		if f.name != name {
			continue
		}
		if err := f.check(value); err != nil {
			return fmt.Errorf("option --%s=%s: %w", name, value, err)
		}
	}
	o.values[name] = value
	o.given[name] = true
	return nil
}

// number is for values that were checked.
func (o startOptions) number(name string) int {
	n, err := strconv.Atoi(o.values[name])
	if err != nil {
		return 0
	}
	return n
}

func checkText(value string) error {
	if value == "" || strings.ContainsAny(value, "\r\n") {
		return errors.New("is empty or has more than one line")
	}
	return nil
}

func checkNumber(value string) error {
	if n, err := strconv.ParseInt(value, 10, 32); err != nil || n < 0 {
		return errors.New("is not a number from 0")
	}
	return nil
}

func checkCount(value string) error {
	if n, err := strconv.ParseInt(value, 10, 32); err != nil || n < 1 {
		return errors.New("is not a number from 1")
	}
	return nil
}

func checkPort(value string) error {
	if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
		return errors.New("is not a port")
	}
	return nil
}

func checkBool(value string) error {
	if value != "true" && value != "false" {
		return errors.New("is neither true nor false")
	}
	return nil
}

var javaSize = regexp.MustCompile(`^[0-9]+[kKmMgGtT]?$`)

func checkSize(value string) error {
	if !javaSize.MatchString(value) {
		return errors.New("is not a size such as 512M or 2G")
	}
	return nil
}

func checkLevel(value string) error {
	if _, ok := levelOf(value); !ok {
		return errors.New("is not one of FATAL, ERROR, WARN, INFO, DEBUG")
	}
	return nil
}

func startUsage(w io.Writer) {
	fmt.Fprintf(w, "%s\n\nUsage: start-zookeeper [--name=value]...\n\n", startHelp)
	for _, f := range startFlags {
		text := f.text
		if f.value != "" {
			text += " (" + f.value + ")"
		}
		fmt.Fprintf(w, "  --%-20s %s\n", f.name, text)
	}
}
