// Sends events with the official SDK for CloudEvents in Go, over AMQP 1.0: one in binary mode and one in structured mode.
//
//	go-sdk amqp://127.0.0.1:5672 user password vhost audience
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/Azure/go-amqp"
	ceamqp "github.com/cloudevents/sdk-go/protocol/amqp/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
)

func main() {
	if err := send(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(server, user, password, vhost, audience string) error {
	connection := []amqp.ConnOption{amqp.ConnSASLPlain(user, password), amqp.ConnServerHostname("vhost:" + vhost)}
	protocol, err := ceamqp.NewProtocol(server, "/exchange/carillon.events/sdk", connection, []amqp.SessionOption{})
	if err != nil {
		return err
	}
	defer protocol.Close(context.Background())
	client, err := cloudevents.NewClient(protocol)
	if err != nil {
		return err
	}
	modes := map[string]context.Context{
		"go-binary":     cloudevents.WithEncodingBinary(context.Background()),
		"go-structured": cloudevents.WithEncodingStructured(context.Background()),
	}
	for id, ctx := range modes {
		event := cloudevents.NewEvent()
		event.SetID(id)
		event.SetSource("/go")
		event.SetType("sdk.go")
		event.SetTime(time.Date(2026, 11, 20, 9, 0, 0, 123_000_000, time.UTC))
		event.SetExtension("audience", audience)
		if err := event.SetData(cloudevents.ApplicationJSON, map[string]string{"title": id}); err != nil {
			return err
		}
		if result := client.Send(ctx, event); cloudevents.IsUndelivered(result) {
			return result
		}
	}
	return nil
}
