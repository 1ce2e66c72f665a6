/** The E-model of ITU-T G.107 (06/2015), narrowband: from delay and loss to R and MOS. Pure formulas; what to feed them is decided elsewhere. */

/** All inputs of the model; the names are the Recommendation's. */
export interface Parameters {
  /** Loudness ratings, dB: send, receive, sidetone masking, listener sidetone, talker echo, weighted echo path loss. */
  slr: number
  rlr: number
  stmr: number
  lstr: number
  telr: number
  wepl: number
  /** D-values of the telephones, send and receive side. */
  ds: number
  dr: number
  /** Mean one-way delay of the echo path; round trip in the 4-wire loop; absolute one-way delay mouth to ear. Milliseconds. */
  t: number
  tr: number
  ta: number
  /** Quantization distortion units. */
  qdu: number
  /** Equipment impairment factor, packet-loss robustness factor, packet loss in percent after the jitter buffer, burst ratio. */
  ie: number
  bpl: number
  ppl: number
  burstR: number
  /** Circuit noise dBm0p, noise floor at the receive side dBmp, room noise at both sides dB(A). */
  nc: number
  nfor: number
  ps: number
  pr: number
  /** Advantage factor. */
  a: number
  /** Delay sensitivity: minimum perceivable delay (ms) and sensitivity. */
  mT: number
  sT: number
}

/** G.107 (06/2015) Table 3. LSTR is STMR + Dr: it follows them unless it is given itself. */
const DEFAULTS: Readonly<Parameters> = {
  slr: 8,
  rlr: 2,
  stmr: 15,
  lstr: 18,
  telr: 65,
  wepl: 110,
  ds: 3,
  dr: 3,
  t: 0,
  tr: 0,
  ta: 0,
  qdu: 1,
  ie: 0,
  bpl: 4.3,
  ppl: 0,
  burstR: 1,
  nc: -70,
  nfor: -64,
  ps: 35,
  pr: 35,
  a: 0,
  mT: 100,
  sT: 1,
}

/** Equipment impairment of a codec: without loss, and how well it stands loss. */
export interface Equipment {
  ie: number
  bpl: number
}

export interface Rating {
  /** (7-1), not clamped: may be below 0. */
  r: number
  ro: number
  is: number
  idte: number
  idle: number
  idd: number
  ieEff: number
}

export interface NarrowbandPath {
  equipment: Readonly<Equipment>
  /** One-way delay mouth to ear, milliseconds. */
  delay: number
  /** Lost and discarded packets, percent. */
  loss: number
  burstRatio: number
}

/** R of a path as a monitor sees it: everything at its default but T = Ta, Tr = 2 Ta, and the equipment's loss. */
export function pathRating(path: NarrowbandPath): Rating {
  const { equipment, delay, loss, burstRatio } = path
  return rating({ t: delay, ta: delay, tr: 2 * delay, ...equipment, ppl: loss, burstR: burstRatio })
}

/** R = Ro - Is - Id - Ie,eff + A (7-1). Parameters that are not given have their default. */
export function rating(given: Partial<Parameters>): Rating {
  const p = { ...DEFAULTS, ...given }
  p.lstr = given.lstr ?? p.stmr + p.dr
  const no = noise(p)
  const ro = 15 - 1.5 * (p.slr + no)
  const ist = sidetoneImpairment(p)
  const is = loudnessImpairment(p, no) + ist + quantizationImpairment(p, ro)
  const idte = talkerEchoImpairment(p, no, ist)
  const idle = listenerEchoImpairment(p, ro)
  const idd = delayImpairment(p.ta, p.mT, p.sT)
  const ieEff = effectiveEquipmentImpairment(p)
  return { r: ro - is - (idte + idle + idd) - ieEff + p.a, ro, is, idte, idle, idd, ieEff }
}

/**
 * MOS of R (B-4), 1 to 4.5. The polynomial is below 1 for 0 < R < 80 - sqrt(5400) = 6.5153 (its minimum is 0.98884 at R = 3.22), where
 * no quality below the scale is meant: 1.
 */
export function mosOfR(r: number): number {
  if (r <= 0) return 1
  if (r >= 100) return 4.5
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
}

/** No, power sum of all noise, dBm0p (7-3 to 7-7). */
function noise(p: Parameters): number {
  const olr = p.slr + p.rlr
  const nos = p.ps - p.slr - p.ds - 100 + 0.004 * (p.ps - olr - p.ds - 14) ** 2
  const pre = p.pr + 10 * Math.log10(1 + 10 ** ((10 - p.lstr) / 10))
  const nor = p.rlr - 121 + pre + 0.008 * (pre - 35) ** 2
  const nfo = p.nfor + p.rlr
  return 10 * Math.log10(10 ** (p.nc / 10) + 10 ** (nos / 10) + 10 ** (nor / 10) + 10 ** (nfo / 10))
}

/** Iolr: too loud (7-9, 7-10). */
function loudnessImpairment(p: Parameters, no: number): number {
  const x = (p.slr + p.rlr + 0.2 * (64 + no - p.rlr)) / 8
  return 20 * ((1 + x ** 8) ** (1 / 8) - x)
}

/** Ist: sidetone that is not optimal (7-11, 7-12). */
function sidetoneImpairment(p: Parameters): number {
  const stmro = -10 * Math.log10(10 ** (-p.stmr / 10) + Math.exp(-p.t / 4) * 10 ** (-p.telr / 10))
  return (
    12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8) -
    28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35) -
    13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13) +
    29
  )
}

/** Iq: quantizing distortion (7-13 to 7-17). */
function quantizationImpairment(p: Parameters, ro: number): number {
  const q = 37 - 15 * Math.log10(p.qdu)
  const g = 1.07 + 0.258 * q + 0.0602 * q ** 2
  const y = (ro - 100) / 15 + 46 / 8.4 - g / 9
  const z = 46 / 30 - g / 40
  return 15 * Math.log10(1 + 10 ** y + 10 ** z)
}

/** Idte: talker echo (7-19 to 7-24), with the rules for very small delay and for sidetone outside of 9 to 20 dB. */
function talkerEchoImpairment(p: Parameters, no: number, ist: number): number {
  const masked = p.stmr < 9 ? ist / 2 : 0
  const terv = p.telr - 40 * Math.log10((1 + p.t / 10) / (1 + p.t / 150)) + 6 * Math.exp(-0.3 * p.t ** 2) + masked
  const re = 80 + 2.5 * (terv - 14)
  const roe = -1.5 * (no - p.rlr)
  const half = (roe - re) / 2
  const idte = p.t < 1 ? 0 : (half + Math.sqrt(half ** 2 + 100) - 1) * (1 - Math.exp(-p.t))
  return p.stmr > 20 ? Math.sqrt(idte ** 2 + ist ** 2) : idte
}

/** Idle: listener echo (7-25, 7-26). */
function listenerEchoImpairment(p: Parameters, ro: number): number {
  const rle = 10.5 * (p.wepl + 7) * (p.tr + 1) ** -0.25
  const half = (ro - rle) / 2
  return half + Math.sqrt(half ** 2 + 169)
}

/** Idd: too long an absolute delay, also without echo (7-27, 7-28). @param ta milliseconds */
export function delayImpairment(ta: number, mT = DEFAULTS.mT, sT = DEFAULTS.sT): number {
  if (ta <= mT) return 0
  const x = Math.log2(ta / mT)
  const k = 6 * sT
  return 25 * ((1 + x ** k) ** (1 / k) - 3 * (1 + (x / 3) ** k) ** (1 / k) + 2)
}

/** Ie,eff (7-29). With BurstR above 1 it passes 95 at high loss: that is the formula. BurstR above 2 is validated for Ppl below 2 % only. */
function effectiveEquipmentImpairment(p: Parameters): number {
  return p.ppl === 0 ? p.ie : p.ie + ((95 - p.ie) * p.ppl) / (p.ppl / p.burstR + p.bpl)
}
