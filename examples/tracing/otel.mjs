/**
 * Turns Carillon's traces on: it is loaded before Carillon, by NODE_OPTIONS, and registers what records them. With
 * OTEL_EXPORTER_OTLP_ENDPOINT spans go there (Jaeger, Tempo, a collector), without it to standard output.
 */
import { trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';

async function spanProcessor() {
  if (!process.env.OTEL_EXPORTER_OTLP_ENDPOINT) return new SimpleSpanProcessor(new ConsoleSpanExporter());
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new BatchSpanProcessor(new OTLPTraceExporter());
}

// Who is sampled already stays so; of events that come without a trace this share begins one.
const share = Number(process.env.OTEL_TRACES_SAMPLER_ARG ?? 0.01);

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'carillon' }),
  sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
  spanProcessors: [await spanProcessor()],
});
trace.setGlobalTracerProvider(provider);

// Carillon exits when it has stopped; what is still here by then is lost.
process.on('SIGTERM', () => provider.forceFlush());
