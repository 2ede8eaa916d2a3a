// Reads Kubernetes manifests from standard input, each into the type of its API, and names every field that the type
// does not have, every value of another type, and every kind that it does not know.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	faults, err := check(os.Stdin)
	if err != nil {
		faults = append(faults, err.Error())
	}
	for _, fault := range faults {
		fmt.Fprintln(os.Stderr, fault)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

func check(input io.Reader) (faults []string, err error) {
	if err := errors.Join(monitoring.AddToScheme(scheme.Scheme), keda.AddToScheme(scheme.Scheme)); err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(input))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return faults, nil
		}
		if err != nil {
			return faults, err
		}
		if _, _, err := decoder.Decode(document, nil, nil); err != nil {
			faults = append(faults, err.Error())
		}
	}
}
