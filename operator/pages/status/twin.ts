/** The JSON twin of a status page: the same facts for programs. Public: what is in it must be in the page. */
import type { ComponentModel, PageModel } from '../../statuspages/model.ts'
import type { Incident, Maintenance } from '../../statuspages/status.ts'

const seconds = (milliseconds: number): number => Math.round(milliseconds / 1000)

/** States are those of `StatusPage.status`; times RFC 3339; `uptime` is percent and null where nothing counts. */
export function twin(model: PageModel) {
  const { title, description, url, timeZone, updatedAt, overall, groups, incidents, resolved, running, upcoming } =
    model
  return {
    page: {
      title,
      ...(description !== undefined && { description }),
      url,
      timeZone,
      updatedAt: new Date(updatedAt).toISOString(),
    },
    overall: overall ?? null,
    components: groups.flatMap(({ name, components }) => components.map((each) => component(each, name))),
    incidents: [...incidents, ...resolved].map(incident),
    maintenance: [...running, ...upcoming].map(maintenance),
  }
}

function component({ name, description, state, percent, setupTime, days }: ComponentModel, group: string | undefined) {
  return {
    name,
    ...(description !== undefined && { description }),
    ...(group !== undefined && { group }),
    state,
    uptime: percent ?? null,
    ...(setupTime !== undefined && { setupTime }),
    days: days.map((day) => ({
      date: day.date,
      state: day.state,
      uptime: percent === undefined ? null : (day.percent ?? null),
      downSeconds: seconds(day.down),
      degradedSeconds: seconds(day.degraded),
      maintenanceSeconds: seconds(day.maintenance),
    })),
  }
}

function incident({ id, title, impact, components, updates }: Incident) {
  return { id, title, impact, components, updates: updates.map(({ at, status, message }) => ({ at, status, message })) }
}

function maintenance({ id, title, start, end, components, message }: Maintenance) {
  return { id, title, start, end, components, message: message ?? null }
}
