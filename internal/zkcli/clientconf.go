package zkcli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

// clientTLS reads a file of client properties (-client-configuration) and
// returns what connections need, nil for plain ones. Of the stores only PEM
// files are understood.
func clientTLS(name string) (*tls.Config, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("Error while processing %s: %w", name, err)
	}
	props := properties(string(data))
	if props["zookeeper.client.secure"] != "true" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if trust := props["zookeeper.ssl.trustStore.location"]; trust != "" {
		pem, err := os.ReadFile(trust)
		if err != nil {
			return nil, fmt.Errorf("read trust store: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("trust store %s holds no certificate in PEM form", trust)
		}
	}
	if key := props["zookeeper.ssl.keyStore.location"]; key != "" {
		pair, err := tls.LoadX509KeyPair(key, key)
		if err != nil {
			return nil, fmt.Errorf("key store %s in PEM form: %w", key, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// properties reads key=value lines.
func properties(text string) map[string]string {
	props := make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		i := strings.IndexAny(line, "=:")
		if i < 0 {
			continue
		}
		props[strings.TrimSpace(line[:i])] = strings.TrimSpace(line[i+1:])
	}
	return props
}
