/** PromQL that more than one dashboard asks. Replicas that led one after the other are made one series first. */

/** @param series with its matchers */
export const byProbe = (aggregation: 'min' | 'max', series: string): string =>
  `${aggregation} by (namespace, probe) (${series})`

/** Share of the time shown in which a probe was not Unhealthy; as uptime is computed, time of Unknown counts neither as up nor as down. */
export function upOverRange(matchers: string): string {
  const time = (state: string) =>
    `sum by (namespace, probe) (sum_over_time(ringcheck_probe_health{${matchers}, state${state}}[$__range]))`
  return `1 - ${time('="Unhealthy"')} / (${time('!="Unknown"')} > 0)`
}
