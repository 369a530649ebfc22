export const secondMs = 1_000;
export const secondsPerHour = 3_600;
