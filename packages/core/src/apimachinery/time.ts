// Times of the API: RFC 3339 in UTC. Pure conversions from and to Unix milliseconds.

const DAY_MS = 86_400_000;

const pad = (n: number, width = 2): string => String(n).padStart(width, "0");

/** Days since 1970-01-01 to a proleptic Gregorian date (Hinnant's civil_from_days). */
export const civil = (days: number): { year: number; month: number; day: number } => {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
};

/** Days since 1970-01-01; inverse of `civil`. */
export const daysFromCivil = (year: number, month: number, day: number): number => {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
};

const secondsText = (ms: number): string => {
  const days = Math.floor(ms / DAY_MS);
  const { year, month, day } = civil(days);
  const seconds = Math.floor((ms - days * DAY_MS) / 1000);
  return (
    `${pad(year, 4)}-${pad(month)}-${pad(day)}T` +
    `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`
  );
};

/** Whole seconds, as metav1.Time is written: `2026-11-23T08:37:31Z`. */
export const rfc3339 = (ms: number): string => `${secondsText(ms)}Z`;

/** Microseconds, as metav1.MicroTime is written. */
export const rfc3339Micro = (ms: number): string =>
  `${secondsText(ms)}.${pad(Math.floor((ms - Math.floor(ms / 1000) * 1000) * 1000), 6)}Z`;

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Unix milliseconds of an RFC 3339 time; `NaN` when it is not one. */
export const parseRfc3339 = (text: string): number => {
  const match = RFC3339.exec(text);
  if (match === null) return Number.NaN;
  const [, year, month, day, hour, minute, second, fraction, sign, zoneHour, zoneMinute] = match;
  const [mo, d, h, mi, s] = [month, day, hour, minute, second].map(Number) as number[];
  if (mo === undefined || d === undefined || mo < 1 || mo > 12 || d < 1 || d > 31)
    return Number.NaN;
  if ((h ?? 0) > 23 || (mi ?? 0) > 59 || (s ?? 0) > 60) return Number.NaN;
  const days = daysFromCivil(Number(year), mo, d);
  const back = civil(days);
  if (back.month !== mo || back.day !== d) return Number.NaN;
  const offset =
    sign === undefined
      ? 0
      : (sign === "-" ? -1 : 1) * (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  const clock = ((h ?? 0) * 3600 + (mi ?? 0) * 60 + (s ?? 0)) * 1000;
  return days * DAY_MS + clock + Math.trunc(Number(fraction ?? 0) * 1000) - offset;
};
