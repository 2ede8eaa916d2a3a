import io.cloudevents.CloudEvent;
import io.cloudevents.amqp.ProtonAmqpMessageFactory;
import io.cloudevents.core.builder.CloudEventBuilder;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Base64;
import org.apache.qpid.proton.message.Message;

/**
 * Prints one event in binary and one in structured mode, as the SDK encodes them for AMQP 1.0, each as a line of
 * base64.
 */
class Messages {
  public static void main(String[] arguments) {
    print(ProtonAmqpMessageFactory.createWriter().writeBinary(event("java-binary")));
    print(ProtonAmqpMessageFactory.createWriter()
        .writeStructured(event("java-structured"), "application/cloudevents+json"));
  }

  static CloudEvent event(String id) {
    byte[] data = ("{\"title\":\"" + id + "\"}").getBytes(StandardCharsets.UTF_8);
    return CloudEventBuilder.v1()
        .withId(id)
        .withSource(URI.create("/java"))
        .withType("sdk.java")
        .withTime(OffsetDateTime.parse("2026-11-20T09:00:00.123Z"))
        .withData("application/json", data)
        .build();
  }

  static void print(Message message) {
    byte[] bytes = new byte[65_536];
    int length = message.encode(bytes, 0, bytes.length);
    System.out.println(Base64.getEncoder().encodeToString(Arrays.copyOf(bytes, length)));
  }
}
